import type { AccountNotice } from '@muster/sdk'
import { fakeApiKey, startFakeMarket, type FakeMarket, type FakeMarketOptions } from '@muster/sdk/fake'
import { afterEach, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

const hour = 3_600_000
let market: FakeMarket
let shell: TestShell
afterEach(async () => {
  await market.close()
  await shell.close()
})
const open = async (options: FakeMarketOptions) => {
  market = await startFakeMarket(options)
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
  return shell.run
}

const notice: AccountNotice = {
  number: 1,
  at: Date.now() - 2 * hour,
  standing: 'low',
  since: 1,
  balance: 5_000_000_000n,
  escrow: 0n,
  burn: 1_000_000_000n,
  belowMs: 24 * hour,
}
const low = { burn: 1_000_000_000n, runwayMs: 5 * hour, standing: 'low', belowMs: 24 * hour } as const

test('an account without worries says what it spends and nothing else', async () => {
  const run = await open({ balance: 5_000_000_000n })
  const { status, out } = await run(['account', 'show'])
  expect(status).toBe(0)
  expect(out).toContain('balance    $5.00\n')
  expect(out).toContain('spending   nothing now\n')
  expect(out).not.toContain('!')
})

test('one that runs low is warned, and shown what it was told', async () => {
  const run = await open({ balance: 5_000_000_000n, funds: low, notices: [notice] })
  const { out } = await run(['account', 'show'])
  expect(out).toContain('spending   $1.00 an hour\n')
  expect(out).toContain('lasts      5h 00m\n')
  expect(out).toContain('! At this rate the money is gone in 5h 00m, which is less than 1d 0h.')
  expect(out).toContain('  2h 00m ago  lasts for less than 1d 0h: $5.00 and $0.00 in escrow\n')
  expect((await run(['account', 'show', '--json'])).json()).toMatchObject({
    standing: 'low',
    runwayMs: 5 * hour,
    events: [{ number: 1 }],
  })
})

test.each([
  ['grace', 'uploads go on until the grace period ends in '],
  ['stopped', 'uploads and new jobs are refused until you deposit.'],
] as const)('one whose money is used up is told what goes on and what does not: %s', async (standing, text) => {
  const run = await open({ balance: 0n, funds: { standing, graceUntil: Date.now() + 9 * hour } })
  expect((await run(['account', 'show'])).out).toContain(text)
})

test('the runway is shown with the sum it comes from, and the jobs that spend', async () => {
  const run = await open({ balance: 5_000_000_000n, funds: low })
  const { status, out } = await run(['account', 'runway'])
  expect(status).toBe(0)
  expect(out).toContain('5h 00m  ($5.00 + $0.00 in escrow) ÷ $1.00 an hour\n')
  expect(out).toContain('below 1d 0h and 2h 00m')
  expect(out).toContain('nothing that runs is stopped; uploads go on for 3d 0h')
})
