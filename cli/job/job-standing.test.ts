import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { JobView } from '@muster/sdk'
import { fakeApiKey, startFakeMarket, type FakeMarket, type FakeMarketOptions } from '@muster/sdk/fake'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'
import { textWidth } from '../terminal/text-width.ts'

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

test('cancel of a closed job says how it ended, and cancels nothing', async () => {
  const { id } = await submit()
  const { status, out } = await shell.run(['job', 'cancel', id])
  expect(status).toBe(0)
  expect(out).toMatch(
    /^! The job is closed already: it succeeded, \$0\.0000018 charged\. Nothing is left to cancel\.\n/,
  )
  expect(market.calls).not.toContain('cancelJob')
})

test('cancel of a job that runs says that it is cancelled, and again that it was', async () => {
  await open({ runsAtOnce: false })
  const { id } = await submit()
  market.network.dispatch(id, 1)
  expect((await shell.run(['job', 'cancel', id])).out).toMatch(/^✓ Cancelled\.\n/)
  expect((await shell.run(['job', 'cancel', id])).out).toMatch(/^! The job is closed already: it was cancelled, /)
})

test('explain of a job that runs says where it is and what it waits for', async () => {
  await open({ runsAtOnce: false })
  const { id } = await submit()
  market.network.dispatch(id, 2)
  const { status, out } = await shell.run(['job', 'explain', id])
  expect(status).toBe(0)
  expect(out).toContain(
    '\nIt is running: it waits for 2 tasks handed out at 1 machine; 1 more follows as slots come free.\n',
  )
  expect(out).toMatch(/^0x\w+…\w+ +2 +\d.* takes work$/m)
  expect((await shell.run(['job', 'explain', id, '--json'])).json()).toMatchObject({
    leases: [{ state: 'open', handedOut: 2 }],
  })
})

test('what was handed out is not said to run', async () => {
  await open({ runsAtOnce: false })
  const { id } = await submit()
  market.network.dispatch(id, 2)
  const { out } = await shell.run(['job', 'show', id])
  expect(out).toContain('1 waiting, 2 handed out')
  expect(out).not.toContain('running')
  const controller = new AbortController()
  const watching = shell.run(['job', 'watch', id], { isTty: true, signal: controller.signal })
  while (!market.calls.includes('watchJob')) await new Promise((resolve) => setImmediate(resolve))
  market.network.cancel(id)
  const { err } = await watching
  expect(err).toContain('2 handed out, 1 waiting')
  expect(err).not.toContain('running')
})

test('watch on a terminal folds what is everyday into one line, and nowhere else', async () => {
  const { id } = await submit(10)
  const watched = await shell.run(['job', 'watch', id], { isTty: true })
  const types = watched.out.split('\n').flatMap((line) => /^[\d:]{8} {2}(\S+(?: \S+)*)/.exec(line)?.[1] ?? [])
  expect(types).toEqual(['submitted', 'lease-opened', '4 events', 'lease-closed', 'closed'])
  for (const line of watched.out.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(100)
  expect(watched.out).toContain('Sent 10 to 1 provider, accepted 10, paid 10; 10 of 10 tasks done.\n')
  const piped = await shell.run(['job', 'watch', id])
  for (const type of ['dispatched', 'claimed', 'accepted', 'finalised']) expect(piped.out).toContain(type)
})

test('explain of a job in which something always happens ends all the same', async () => {
  await open({ runsAtOnce: false })
  const { id } = await submit(1_000)
  const busy = setInterval(() => market.network.dispatch(id, 1), 20)
  const { out } = await shell.run(['job', 'explain', id])
  clearInterval(busy)
  expect(out).toMatch(/^It is running: it waits for \d+ tasks? handed out at 1 machine; \d+ more follow/m)
})
