import { toJson, type NumberedStandingEvent, type StandingOrderView } from '@muster/protocol'
import { fakeApiKey, startFakeMarket, type FakeMarket } from '@muster/sdk/fake'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestShell, type TestShell } from '../fake/test-shell.ts'

let market: FakeMarket
let shell: TestShell
beforeEach(async () => {
  market = await startFakeMarket()
  shell = await openTestShell({ MUSTER_URL: market.url, MUSTER_API_KEY: fakeApiKey })
  await writeFile(
    path.join(shell.directory, 'job.json'),
    toJson({
      apiVersion: 'muster/v1',
      kind: 'batch',
      name: 'nightly',
      runtime: 'noop',
      tasks: [{}, {}],
      slots: 2,
      maxPrice: '$0.0000001 / task',
    }),
  )
})
afterEach(async () => {
  await market.close()
  await shell.close()
})

const id = 'sto_01K5KRN0M0ABCDEFGHJKMNPQRS'
const job = 'job_01K5KRN0M0ABCDEFGHJKMNPQRT'
const at = Date.UTC(2026, 10, 1)
const order = (change: object = {}): StandingOrderView =>
  ({
    id,
    name: 'nightly',
    phase: 'open',
    ended: null,
    terms: { times: 3, until: at + 86_400_000, cooldownMs: 3_600_000, atMost: 5_000_000_000n },
    slots: 2,
    ceiling: 1_000_000_000n,
    runs: 1,
    job: null,
    charged: 400_000_000n,
    problem: null,
    wait: null,
    notBefore: at,
    placedAt: at,
    updatedAt: at,
    ...change,
  }) as StandingOrderView
const problem = {
  code: 'insufficient_funds',
  message: 'There is $1.00 on your account.',
  facts: {},
  fault: 'tenant',
  retry: 'never',
} as const
const events: NumberedStandingEvent[] = [
  { number: 1, event: { type: 'placed', at } },
  { number: 2, event: { type: 'decided', at: at + 1_000, run: 1 } },
  { number: 3, event: { type: 'held', at: at + 2_000, run: 1, problem, retryAt: at + 62_000 } },
  { number: 4, event: { type: 'ran', at: at + 62_000, run: 1, job: job as never } },
  {
    number: 5,
    event: {
      type: 'finished',
      at: at + 70_000,
      run: 1,
      job: job as never,
      outcome: 'succeeded',
      charged: 400_000_000n,
    },
  },
]
const answer = (route: Parameters<FakeMarket['fail']>[0], body: unknown, status = 200) =>
  market.fail(route, { type: 'answer', status, body: toJson(body) })

describe('order place', () => {
  test('says what was placed and that nothing is held', async () => {
    answer('placeStandingOrder', order(), 201)
    const { status, out, err } = await shell.run([
      'order',
      'place',
      'job.json',
      '--times',
      '3',
      '--cooldown',
      '1h',
      '--at-most',
      '5',
    ])
    expect(err).toBe('')
    expect(status).toBe(0)
    expect(out).toContain(
      `Placed ${id}: nightly, 3 times, 1h 00m apart until 2026-11-02T00:00Z, at most $1.00 each, together at most $5.00.`,
    )
    expect(out).toContain('Nothing is held until it becomes a job.')
  })

  test.each([
    ['both times and always', ['--times', '2', '--always', '--at-most', '5'], '--times or --always'],
    ['always without a budget', ['--always'], '--at-most'],
    ['a date that is none', ['--until', 'tomorrow'], '2026-12-31'],
    ['a day that is none', ['--until', '2026-13-45'], '2026-12-31'],
    ['a pause that is none', ['--cooldown', 'long'], '30m'],
    ['a budget that is none', ['--at-most', 'much'], 'decimal'],
    ['no time at all', ['--times', '0'], 'whole number'],
    ['half a time', ['--times', '1.5'], 'whole number'],
  ])('%s is refused before anything is sent', async (_, flags, expected) => {
    const { status, err } = await shell.run(['order', 'place', 'job.json', ...flags])
    expect(status).toBe(2)
    expect(err).toContain(expected)
  })

  test('a job file that is wrong is refused as by job submit', async () => {
    await writeFile(
      path.join(shell.directory, 'wrong.json'),
      toJson({ apiVersion: 'muster/v1', kind: 'batch', runtime: 'noop', tasks: 4 }),
    )
    expect((await shell.run(['order', 'place', 'wrong.json'])).status).toBe(2)
  })
})

describe('order show', () => {
  test('says how it stands and what happened, each event in a sentence', async () => {
    answer('getStandingOrder', order({ job, problem }))
    answer('standingOrderEvents', { events })
    const { status, out } = await shell.run(['order', 'show', id])
    expect(status).toBe(0)
    expect(out).toMatch(/state +running/)
    expect(out).toContain('2026-11-01 00:00:01  The supply can take it: run 1 begins.')
    expect(out).toContain('Run 1 was refused: There is $1.00 on your account. Tried again in 1m 00s.')
    expect(out).toContain(`Run 1 is ${job}.`)
    expect(out).toContain('Run 1 succeeded; $0.40 charged.')
  })

  test.each([
    [
      'with the nearest offer, in dollars and units',
      {
        message: 'None of 4 offers fits; the nearest fails price: expected at most 100 nano-dollars, found 1020.',
        facts: {
          slots: 2,
          offers: 4,
          nearest: [
            {
              offer: 'off_x',
              provider: '0x1',
              failed: [
                { requirement: 'price', expected: 'at most 100 nano-dollars', found: '1020' },
                { requirement: 'resources.gpu.models', expected: 'H100', found: 'none' },
              ],
            },
          ],
        },
      },
      /why +None of 4 offers fits; the nearest fails price: expected at most \$0\.0000001, found \$0\.00000102; GPU model: +expected H100, found none\. Looked 12\.\d s ago\./,
    ],
    [
      'with what is free where that is too little',
      { message: 'Of the 2 slots it wants at once, 1 is free at its price.', facts: { slots: 2, free: 1 } },
      /why +Of the 2 slots it wants at once, 1 is free at its price\. Looked 12\.\d s ago\./,
    ],
  ])('says why it waits, %s', async (_, said, expected) => {
    const wait = {
      problem: { code: 'nothing_fits', fault: 'tenant', retry: 'later', ...said },
      lookedAt: Date.now() - 12_000,
    }
    answer('getStandingOrder', order({ wait }))
    answer('standingOrderEvents', { events: [] })
    expect((await shell.run(['order', 'show', id])).out.replaceAll(/\n +/g, ' ')).toMatch(expected)
    answer('listStandingOrders', { orders: [order({ wait }), order({ job })] })
    const { out } = await shell.run(['order', 'list'])
    expect(out.match(/WHY IT WAITS/g)).toHaveLength(1)
    expect(out.match(/Looked/g)).toHaveLength(1)
  })

  test('says so where the market has yet to look at it', async () => {
    answer('getStandingOrder', order())
    answer('standingOrderEvents', { events: [] })
    expect((await shell.run(['order', 'show', id])).out).toMatch(/why +The market has yet to look at it\./)
  })

  test('of what somebody else wrote prints no escapes', async () => {
    answer('getStandingOrder', order({ problem: { ...problem, message: 'a\u001b[2Jb' } }))
    answer('standingOrderEvents', { events: [] })
    const { out } = await shell.run(['order', 'show', id])
    expect(out).not.toContain('\u001b')
  })

  test('is one document with --json', async () => {
    answer('getStandingOrder', order())
    answer('standingOrderEvents', { events })
    expect((await shell.run(['order', 'show', id, '--json'])).json()).toMatchObject({ id, events: { length: 5 } })
  })

  test('an id that is none is not asked for', async () => {
    const { status, err } = await shell.run(['order', 'show', job])
    expect(status).toBe(2)
    expect(err).toContain('sto_')
  })
})

test('order list has a line for each', async () => {
  answer('listStandingOrders', { orders: [order({ problem }), order({ phase: 'ended', ended: 'done', name: null })] })
  const { out } = await shell.run(['order', 'list'])
  expect(out).toMatch(/nightly +held +1 +3 times +\$0\.40/)
  expect(out).toMatch(/\(erased\) +done/)
  answer('listStandingOrders', { orders: [] })
  expect((await shell.run(['order', 'list'])).out).toContain('muster order place')
})

test('order cancel says what goes on', async () => {
  answer('cancelStandingOrder', order({ phase: 'ended', ended: 'cancelled', job }))
  const { status, out } = await shell.run(['order', 'cancel', id])
  expect(status).toBe(0)
  expect(out).toContain(`${job} goes on; end it with: muster job cancel ${job}`)
})
