import { hourMs, type Trade } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { address, someId } from '../test-records.ts'
import type { OpenStore } from './expectations.ts'

const day = 100_000 * 24 * hourMs
const [ada, bob] = [someId('tenant'), someId('tenant')]
const h100 = { kind: 'nvidia-h100', region: 'eu-west', per: 'hour' } as const
const cpu = { kind: 'cpu', region: 'us-east', per: 'operator' } as const

const trade = (hour: number, change: Partial<Trade> = {}): Trade => ({
  ...h100,
  hour: day + hour * hourMs,
  provider: address('1'),
  tenant: ada,
  amount: 2n ** 62n,
  quantity: 3n,
  leases: 1,
  ...change,
})

const sorted = <Row>(rows: readonly Row[]): Row[] => rows.toSorted((a, b) => (describeRow(a) < describeRow(b) ? -1 : 1))
const describeRow = (row: unknown): string =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))

export const describePrices = (under: OpenStore): void => {
  describe('prices', () => {
    const whole = { from: day, to: day + 48 * hourMs, stepMs: hourMs }

    test('the trades of an hour take the place of those there were', async () => {
      const { prices } = under.store
      expect(await prices.newestHour()).toBeUndefined()
      await prices.replaceHour(day, [trade(0), trade(0, { ...cpu, provider: address('2') })])
      await prices.replaceHour(day, [trade(0), trade(0, { tenant: bob })])
      expect(sorted(await prices.trades(whole))).toEqual(sorted([trade(0), trade(0, { tenant: bob })]))
      expect(await prices.newestHour()).toBe(day)
    })

    test('an hour without trades counts as added up', async () => {
      const { prices } = under.store
      await prices.replaceHour(day + 3 * hourMs, [])
      expect(await prices.newestHour()).toBe(day + 3 * hourMs)
    })

    test('they are summed up by spans, each pair and series by itself', async () => {
      const { prices } = under.store
      await prices.replaceHour(day + hourMs, [trade(1), trade(1, { ...cpu })])
      await prices.replaceHour(day + 25 * hourMs, [trade(25, { region: 'eu-north' })])
      const daily = { ...whole, stepMs: 24 * hourMs }
      expect(sorted(await prices.trades(daily))).toEqual(
        sorted([
          trade(0, { amount: 2n ** 63n, quantity: 6n, leases: 2 }),
          trade(0, { tenant: bob }),
          trade(0, { ...cpu }),
          trade(24, { region: 'eu-north' }),
        ]),
      )
      const one = { ...daily, kind: 'nvidia-h100', per: 'hour' as const, from: day + 24 * hourMs }
      expect(await prices.trades(one)).toEqual([trade(24, { region: 'eu-north' })])
      expect(await prices.trades({ ...whole, to: day })).toEqual([])
    })

    test('of what is asked the lowest is kept', async () => {
      const { prices } = under.store
      await prices.noteAsks([])
      await prices.noteAsks([
        { ...h100, hour: day, price: 2_100_000_000.5 },
        { ...cpu, hour: day, price: 120 },
      ])
      await prices.noteAsks([
        { ...h100, hour: day, price: 2_200_000_000 },
        { ...h100, hour: day + hourMs, price: 1_900_000_000 },
      ])
      const asks = { ...whole, kind: 'nvidia-h100' }
      expect(sorted(await prices.asks(asks))).toEqual(
        [
          { ...h100, hour: day, price: 2_100_000_000.5 },
          { ...h100, hour: day + hourMs, price: 1_900_000_000 },
        ].toSorted((a, b) => (describeRow(a) < describeRow(b) ? -1 : 1)),
      )
      expect(await prices.asks({ ...asks, stepMs: 24 * hourMs })).toEqual([
        { ...h100, hour: day, price: 1_900_000_000 },
      ])
    })

    test('old hours are forgotten', async () => {
      const { prices } = under.store
      await prices.prune(day + 25 * hourMs)
      expect(await prices.trades(whole)).toEqual([trade(25, { region: 'eu-north' })])
      expect(await prices.asks(whole)).toEqual([])
      expect(await prices.newestHour()).toBe(day + 25 * hourMs)
    })
  })
}
