import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isNews, judgeStanding, runwayMs, type AccountNotice, type Funds, type StandingRules } from './standing.ts'

const hour = 3_600_000
const amount = fc.bigInt({ min: 0n, max: 2n ** 60n })
const funds = fc.record({ balance: amount, escrow: amount, burn: fc.bigInt({ min: 0n, max: 10n ** 15n }) })
const rules: StandingRules = { warnBelowMs: [24 * hour, 2 * hour], graceMs: 72 * hour }
const fundsFor = (hours: number): Funds => ({ balance: BigInt(Math.round(hours * 1_000)), escrow: 0n, burn: 1_000n })
const empty: Funds = { balance: 0n, escrow: 0n, burn: 0n }

describe('the runway', () => {
  test('is how long the money lasts at the burn, to the millisecond', () => {
    fc.assert(
      fc.property(funds, (held) => {
        const ms = runwayMs(held)
        expect(ms === null).toBe(held.burn === 0n)
        if (ms === null || ms === 2 ** 48) return
        const all = (held.balance + held.escrow) * BigInt(hour)
        expect(BigInt(ms) * held.burn <= all).toBe(true)
        expect((BigInt(ms) + 1n) * held.burn > all).toBe(true)
      }),
    )
  })

  test('does not care whether money is in the balance or in escrow', () => {
    fc.assert(
      fc.property(funds, amount, (held, moved) => {
        const part = moved < held.balance ? moved : held.balance
        const other = { ...held, balance: held.balance - part, escrow: held.escrow + part }
        expect(runwayMs(other)).toBe(runwayMs(held))
      }),
    )
  })

  test('grows with money and shrinks with burn', () => {
    fc.assert(
      fc.property(funds, amount, (held, more) => {
        const least = runwayMs(held) ?? Infinity
        expect(runwayMs({ ...held, balance: held.balance + more }) ?? Infinity).toBeGreaterThanOrEqual(least)
        expect(runwayMs({ ...held, burn: held.burn + more + 1n }) ?? Infinity).toBeLessThanOrEqual(least)
      }),
    )
  })
})

/** What happens to an account, with the time since the step before. */
const steps = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 0, max: 100 * hour }),
    funds: fc.oneof(fc.constant(empty), fc.integer({ min: 0, max: 60 }).map(fundsFor)),
  }),
  { maxLength: 30 },
)

const notice = (number: number, at: number, held: Funds, found: ReturnType<typeof judgeStanding>): AccountNotice => ({
  ...found,
  ...held,
  number,
  at,
})

describe('how an account stands', () => {
  test('nobody is stopped before the grace period is over, and money ends it', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let [now, number] = [0, 0]
        let last: AccountNotice | undefined
        let emptySince: number | undefined
        for (const { afterMs, funds: held } of all) {
          now += afterMs
          const isEmpty = held.balance + held.escrow === 0n
          emptySince = isEmpty ? (emptySince ?? now) : undefined
          const found = judgeStanding(held, last, now, rules)
          if (isEmpty) {
            expect(found.since).toBe(emptySince)
            expect(found.standing).toBe(now - (emptySince ?? 0) < rules.graceMs ? 'grace' : 'stopped')
          } else expect(['fine', 'low']).toContain(found.standing)
          if (isNews(found, last)) last = notice(++number, now, held, found)
        }
      }),
    )
  })

  test('says nothing new of the same money', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let last: AccountNotice | undefined
        for (const { funds: held } of all) {
          const found = judgeStanding(held, last, 0, rules)
          if (isNews(found, last)) last = notice((last?.number ?? 0) + 1, 0, held, found)
          expect(isNews(judgeStanding(held, last, 0, rules), last)).toBe(false)
        }
      }),
    )
  })

  test.each([
    [25, 'fine', null],
    [24, 'fine', null],
    [23.9, 'low', 24],
    [2, 'low', 24],
    [1.9, 'low', 2],
  ] as const)('%d hours left: %s', (hours, standing, below) => {
    expect(judgeStanding(fundsFor(hours), undefined, 0, rules)).toMatchObject({
      standing,
      belowMs: below === null ? null : below * hour,
    })
  })

  test('a warning holds until there is a quarter more than its threshold', () => {
    const before = notice(1, 0, fundsFor(1.9), judgeStanding(fundsFor(1.9), undefined, 0, rules))
    const at = (hours: number) => judgeStanding(fundsFor(hours), before, 0, rules).belowMs
    expect([at(2.4), at(2.6), at(29), at(31)]).toEqual([2 * hour, 24 * hour, 24 * hour, null])
  })

  test('without burn nothing runs out', () => {
    expect(judgeStanding({ balance: 1n, escrow: 0n, burn: 0n }, undefined, 0, rules).standing).toBe('fine')
  })

  test('without a grace period an empty account is stopped at once', () => {
    expect(judgeStanding(empty, undefined, 7, { ...rules, graceMs: 0 })).toEqual({
      standing: 'stopped',
      since: 7,
      belowMs: null,
    })
  })
})
