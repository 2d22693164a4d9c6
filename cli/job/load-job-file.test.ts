import { writeFile } from 'node:fs/promises'
import path from 'node:path'
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

test('a ceiling that does not cover all tasks is refused before anything is sent, in dollars', async () => {
  await write('low.yaml', `${jobOf(3)}ceiling: 0.000002 USD\n`)
  const { status, err } = await shell.run(['job', 'submit', 'low.yaml'])
  expect(status).toBe(2)
  expect(err).toContain('ceiling should be at least $0.000003, what all tasks may cost at maxPrice, found $0.000002.')
  expect(market.calls).toEqual([])
})

test('a misspelled field of a job file says what may have been meant', async () => {
  await write('typo.yaml', 'apiVersion: muster/v1\ntask: { count: 3 }\nmaxPrice: 0.000001 USD per task\n')
  const { status, err } = await shell.run(['job', 'submit', 'typo.yaml'])
  expect(status).toBe(2)
  expect(err).toContain('The job file typo.yaml is wrong: unknown field `task`; did you mean `tasks`? And 1 more.')
  await write('typo.yaml', jobOf(3).replace('count', 'cuont'))
  expect((await shell.run(['job', 'submit', 'typo.yaml'])).err).toContain(
    'unknown field `tasks.cuont`; did you mean `count`?',
  )
})
