import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  createSigner,
  fromHex,
  isId,
  nobleSecp256k1,
  parseId,
  type AttemptId,
  type AuditReport,
  type Statement,
} from '@muster/sdk'
import { fakeApiKey, startFakeMarket, type FakeMarket, type FakeMarketOptions } from '@muster/sdk/fake'
import { afterEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

const key = `0x${'42'.repeat(32)}` as const
const provider = createSigner(nobleSecp256k1, fromHex(key)).address
const ulid = (last: string) => `01K5KRN0M0${'A'.repeat(15)}${last}`
const receipt = (last: string) => parseId('receipt', `rcp_${ulid(last)}`)
const entry = parseId('entry', `ent_${ulid('E')}`)
const job = `job_${ulid('J')}`

let market: FakeMarket
let shell: TestShell
afterEach(async () => {
  await market.close()
  await shell.close()
})
const open = async (options: FakeMarketOptions = {}) => {
  market = await startFakeMarket(options)
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
  await writeFile(path.join(shell.directory, 'agent.key'), `${key}\n`)
  await writeFile(path.join(shell.directory, 'no.key'), 'my password')
  return shell.run
}

const line = (last: string, amount: bigint, fee: bigint) => ({
  receipt: receipt(last),
  attempt: `${job}.${last}.1` as AttemptId,
  at: Date.UTC(2026, 10, 3, 12),
  amount,
  fee,
  entry,
  reverses: null,
})
const statement: Statement = {
  market: provider,
  chainId: 1,
  provider,
  from: Date.UTC(2026, 10, 1),
  to: Date.UTC(2026, 10, 4),
  opening: 1_000_000_000n,
  closing: 3_475_000_000n,
  lines: [line('1', 1_500_000_000n, 15_000_000n), line('2', 1_000_000_000n, 10_000_000n)],
  entries: [{ entry, kind: 'payment', at: Date.UTC(2026, 10, 3, 12), earned: 2_475_000_000n }],
}

describe('muster statement', () => {
  test('shows each receipt with its fee and entry, and that all of it adds up', async () => {
    const run = await open({ statement })
    const { status, out } = await run(['statement', '--key', 'agent.key', '--from', '2026-11-01'])
    expect(status).toBe(0)
    expect(out).toContain(provider)
    expect(out).toContain('opening   $1.00\n')
    expect(out).toContain('receipts  2 over $2.50\n')
    expect(out).toContain('fees      -$0.025\n')
    expect(out).toContain('closing   $3.475\n')
    expect(out).toContain(`2026-11-03 12:00  ${receipt('1')}`)
    expect(out).toContain('✓ Receipts and ledger agree line by line: 2 receipts, 1 entries.\n')
  })

  test('says loudly where it is off by one receipt, and exits with 1', async () => {
    const run = await open({ statement: { ...statement, lines: statement.lines.slice(1) } })
    const { status, out } = await run(['statement', '--key', 'agent.key'])
    expect(status).toBe(1)
    expect(out).toContain('✗ THIS STATEMENT DOES NOT ADD UP')
    expect(out).toContain(`The payment ${entry} moved $2.475, but its receipts less fees come to $0.99.`)
    const json = await run(['statement', '--key', 'agent.key', '--json'])
    expect(json.status).toBe(1)
    expect(json.json()).toMatchObject({ faults: [expect.stringContaining(entry)] })
    const csv = await run(['statement', '--key', 'agent.key', '--csv'])
    expect([csv.status, csv.err]).toEqual([1, expect.stringContaining(`✗ The payment ${entry}`)])
  })

  test('needs no account: a market and the key file of the agent', async () => {
    const run = await open({ statement })
    const env = { MUSTER_URL: '', MUSTER_API_KEY: '' }
    const args = ['statement', '--market', market.url, '--key', 'agent.key', '--json']
    expect((await run(args, { env })).json()).toMatchObject({ provider, faults: [], totals: { amount: '2500000000' } })
    for (const { headers } of market.seen) expect(headers.authorization).toBeUndefined()
  })

  test('is CSV for a spreadsheet', async () => {
    const run = await open({ statement })
    const { out } = await run(['statement', '--key', 'agent.key', '--csv'])
    expect(out.split('\r\n')).toEqual([
      'at,receipt,attempt,reverses,amount_usd,fee_usd,earned_usd,entry',
      `2026-11-03T12:00:00.000Z,${receipt('1')},${job}.1.1,,1.50,0.015,1.485,${entry}`,
      `2026-11-03T12:00:00.000Z,${receipt('2')},${job}.2.1,,1.00,0.01,0.99,${entry}`,
      '',
    ])
  })

  test.each([
    ['without a key', [], 'name its file with --key'],
    ['with a file that holds none', ['--key', 'no.key'], 'does not hold a key'],
    ['with a file that is not there', ['--key', 'none.key'], 'no such file'],
    ['with a day that is none', ['--key', 'agent.key', '--from', 'yesterday'], 'A day is a date such as'],
  ])('is refused %s', async (_, args, text) => {
    const run = await open({ statement })
    const { status, err } = await run(['statement', ...args])
    expect(status).toBe(2)
    expect(err).toContain(text)
    expect(market.calls).not.toContain('statement')
  })
})

const report: AuditReport = {
  ok: false,
  startedAt: 0,
  endedAt: 1_500,
  passes: 3,
  checks: [
    { name: 'entries', claim: 'every entry sums to zero', checked: 7, faultCount: 0, faults: [] },
    {
      name: 'payments',
      claim: 'every payment is the sum of its receipts',
      checked: 2,
      faultCount: 2,
      faults: [{ subject: entry, message: 'This payment of $5.00 has no receipts.' }],
    },
  ],
}

describe('muster ledger', () => {
  test('audit shows what it looked at, and exits with 0 where all is well', async () => {
    const checks = report.checks.slice(0, 1)
    const run = await open({ audit: { ...report, ok: true, passes: 1, checks } })
    const { status, out } = await run(['ledger', 'audit'])
    expect(status).toBe(0)
    expect(out).toMatch(/✓ {2}entries +7 +– +every entry sums to zero/)
    expect(out).toContain('✓ The ledger is whole: every balance follows from its receipts and entries (1.5 s).\n')
  })

  test('audit names what does not add up, and exits with 1', async () => {
    const run = await open({ audit: report })
    const { status, out } = await run(['ledger', 'audit'])
    expect(status).toBe(1)
    expect(out).toContain(`${entry}  This payment of $5.00 has no receipts.`)
    expect(out).toContain('… and 1 more')
    expect(out).toContain('✗ The ledger is broken: 2 faults (1.5 s, read 3 times).\n')
    expect((await run(['ledger', 'audit', '--json'])).json()).toMatchObject({ ok: false })
  })

  test('refund gives back a receipt, or an amount for a job, once', async () => {
    const run = await open()
    const whole = await run(['ledger', 'refund', receipt('1'), '--reason', 'blank pages', '--json'])
    expect(whole.status).toBe(0)
    const [answer] = [whole.json() as { entry: string; amount: string }]
    expect([isId('entry', answer.entry), answer.amount]).toEqual([true, '278'])
    const part = ['ledger', 'refund', job, '--reason', 'late', '--amount', '0.25']
    const { out } = await run([...part, '--once', entry])
    expect(out).toContain(`$0.25 went back to `)
    expect(out).toContain(`the entry is ${entry}.`)
  })

  test.each([
    ['a receipt in part', [receipt('1'), '--amount', '1'], 'refunded whole'],
    ['a job without an amount', [job], 'Add --amount'],
    ['what is neither', ['everything', '--amount', '1'], 'not the id of a job'],
    ['an amount that is none', [job, '--amount', 'all'], 'decimal number'],
  ])('refund refuses %s', async (_, args, text) => {
    const run = await open()
    const { status, err } = await run(['ledger', 'refund', ...args, '--reason', 'because'])
    expect(status).toBe(2)
    expect(err).toContain(text)
    expect(market.calls).not.toContain('refund')
  })
})
