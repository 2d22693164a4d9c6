import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { encodeTensor, type JobView } from '@muster/sdk'
import { fakeApiKey, startFakeMarket, type FakeMarket, type FakeMarketOptions } from '@muster/sdk/fake'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

let market: FakeMarket
let shell: TestShell
const open = async (options: FakeMarketOptions = {}) => {
  await market?.close()
  await shell?.close()
  market = await startFakeMarket(options)
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
}
beforeEach(() => open())
afterEach(async () => {
  await market.close()
  await shell.close()
})

const jobOf = (tasks: number) => `apiVersion: muster/v1\ntasks: { count: ${tasks} }\nmaxPrice: 0.000001 USD per task\n`
const write = (name: string, content: string) => writeFile(path.join(shell.directory, name), content)
const submit = async (tasks = 3): Promise<JobView> => {
  await write('job.yaml', jobOf(tasks))
  return (await shell.run(['job', 'submit', 'job.yaml', '--json'])).json() as JobView
}
const outputs = {
  run: () => new Map([['y', encodeTensor({ dtype: 'float32', dims: [1], data: Float32Array.of(1) })]]),
}

test('fetch of a half-done job writes what there is, names what is missing and exits with 1', async () => {
  await open({ ...outputs, runsAtOnce: false })
  const { id } = await submit(10)
  market.network.run(id, 2)
  market.network.dispatch(id, 3)
  const { status, out } = await shell.run(['job', 'fetch', id, 'out'])
  expect(status).toBe(1)
  expect(out).toBe(
    `✓ 2 files in out\n! 8 tasks without outputs:\n  handed out  2–4\n  waiting     5–9\n` +
      `  Fetch again when they are done: muster job watch ${id}\n`,
  )
  const json = await shell.run(['job', 'fetch', id, 'out', '--json'])
  expect(json.status).toBe(1)
  expect(json.json()).toMatchObject({
    files: [{ task: 0 }, { task: 1 }],
    missing: [{ index: 2, phase: 'running' }, {}, {}, { index: 5, phase: 'waiting' }, {}, {}, {}, {}],
  })
  market.network.run(id)
  const whole = await shell.run(['job', 'fetch', id, 'out'])
  expect(whole).toMatchObject({ status: 0, out: '✓ 10 files in out\n' })
})

test('fetch says whether outputs are yet to come or never will', async () => {
  await open({ ...outputs, runsAtOnce: false, failing: new Set([0, 1, 2]) })
  const { id } = await submit()
  const early = await shell.run(['job', 'fetch', id])
  expect(early.status).toBe(2)
  expect(early.err).toMatch(/has no outputs yet; follow it with: muster job watch job_[^]*missing +waiting 0–2\n/)
  market.network.run(id)
  const late = await shell.run(['job', 'fetch', id])
  expect(late.status).toBe(2)
  expect(late.err).toMatch(/has no outputs, and none will come\.[^]*missing +abandoned 0–2\n/)
})

test('submit --fetch of a job that fails fetches the rest and names what is missing', async () => {
  await open({ ...outputs, failing: new Set([1]) })
  await write('job.yaml', jobOf(3))
  const { status, err } = await shell.run(['job', 'submit', 'job.yaml', '--fetch', 'out'])
  expect(status).toBe(1)
  expect(err).toContain('! 1 task without outputs:\n  abandoned  1\n')
  expect(await readdir(path.join(shell.directory, 'out'))).toEqual(['0000', '0002'])
})

test('a task or an attempt that there is not is not found, and exits with 2', async () => {
  await open({ runsAtOnce: false })
  const { id } = await submit()
  market.network.run(id, 1)
  for (const command of ['logs', 'fetch']) {
    const { status, err } = await shell.run(['job', command, `${id}.99`])
    expect(status).toBe(2)
    expect(err).toContain('✗ There is no task 99 in this job: its 3 tasks are 0 to 2.\n')
    expect(err).toMatch(/code +not_found\n/)
  }
  const attempt = await shell.run(['job', 'logs', `${id}.0.7`])
  expect(attempt.status).toBe(2)
  expect(attempt.err).toContain('✗ There is no attempt 7 of task 0 in this job: it has 1.\n')
  expect(await shell.run(['job', 'logs', `${id}.2`])).toMatchObject({ status: 0, out: 'Nothing has run yet.\n' })
  expect(market.calls).not.toContain('attemptLogs')
})
