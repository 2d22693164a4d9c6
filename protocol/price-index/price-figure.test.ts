import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawNormal, seededRandom } from '../arbitrary/seeded-random.ts'
import { parseId, type TenantId } from '../id/id.ts'
import type { Address } from '../signature/address.ts'
import { capWeights } from './cap-weights.ts'
import { indexRules } from './index-rules.ts'
import { priceFigure, type PriceFigure } from './price-figure.ts'
import { hourMs, type Trade } from './trade.ts'

const providerOf = (number: number): Address => `0x${number.toString(16).padStart(40, '0')}` as Address
const tenantOf = (number: number): TenantId => parseId('tenant', `tnt_${String(number).padStart(26, '0')}`)
const series = { kind: 'nvidia-h100', region: 'eu-west', per: 'hour' } as const
const usd = 1_000_000_000

/** So many GPU-hours at so many dollars. */
const trade = (provider: number, tenant: number, dollars: number, hours: number, hour = 0): Trade => ({
  ...series,
  hour: hour * hourMs,
  provider: providerOf(provider),
  tenant: tenantOf(tenant),
  amount: BigInt(Math.round(dollars * hours * usd)),
  quantity: BigInt(Math.round(hours * hourMs)),
  leases: 1,
})

const published = (trades: readonly Trade[]): PriceFigure => {
  const figure = priceFigure(series, trades)
  if (typeof figure === 'string') throw new Error(figure)
  return figure
}

/** Six providers, four tenants, everybody with everybody around two dollars. */
const market = Array.from({ length: 24 }, (_, at) =>
  trade(at % 6, 100 + (at % 4), 1.9 + 0.02 * (at % 11), 5 + (at % 7)),
)

describe('a price is published', () => {
  test('as the mean by volume, within its interval', () => {
    const { price, low, high, providers, tenants, outliers, volume } = published(market)
    const paid = market.reduce((sum, { amount }) => sum + Number(amount), 0)
    const hours = market.reduce((sum, { quantity }) => sum + Number(quantity), 0) / hourMs
    expect(price / (paid / hours)).toBeCloseTo(1, 2)
    expect(low).toBeLessThan(price)
    expect(high).toBeGreaterThan(price)
    expect({ providers, tenants, outliers }).toEqual({ providers: 6, tenants: 4, outliers: 0 })
    expect(volume / hours).toBeCloseTo(1, 1)
  })

  test.each([
    ['nothing was traded', [], 'no-trades'],
    ['two providers', market.filter(({ provider }) => [providerOf(0), providerOf(1)].includes(provider)), 'too-few'],
    ['one tenant', market.map((each) => ({ ...each, tenant: tenantOf(1) })), 'too-few'],
    ['three deals', [trade(1, 11, 2, 1), trade(2, 12, 2, 1), trade(3, 13, 2, 1)], 'too-few'],
    [
      'one provider in every deal but one',
      [
        trade(1, 11, 2, 1),
        trade(1, 12, 2, 1),
        trade(1, 13, 2, 1),
        trade(1, 14, 2, 1),
        trade(2, 15, 2, 1),
        trade(3, 15, 2, 1),
      ].slice(0, 5),
      'too-few',
    ],
    [
      'a tenant that nobody can be weighed against',
      [trade(1, 11, 2, 1), trade(2, 11, 2, 1), trade(3, 11, 2, 1), trade(1, 12, 2, 1), trade(1, 13, 2, 1)],
      'too-concentrated',
    ],
  ] as const)('only where enough trade: not where there is %s', (_, trades, reason) => {
    expect(priceFigure(series, trades)).toBe(reason)
  })
})

describe('nobody makes the price:', () => {
  test.each([100, 1_000_000])('a wash trade of %d hours at another price moves nothing', (hours) => {
    const honest = published(market)
    for (const dollars of [0.000001, 0.5, 8, 100_000])
      expect(published([...market, trade(50, 150, dollars, hours)])).toEqual({ ...honest, outliers: 1 })
  })

  test('nor does a tenant that washes with every provider, or a provider with made-up tenants', () => {
    const honest = published(market)
    const byTenant = [0, 1, 2, 3].map((provider) => trade(provider, 150, 40, 10_000))
    const byProvider = [151, 152, 153, 154].map((tenant) => trade(50, tenant, 40, 10_000))
    expect(published([...market, ...byTenant])).toEqual({ ...honest, outliers: 4 })
    expect(published([...market, ...byProvider])).toEqual({ ...honest, outliers: 4 })
  })

  test('a wash trade at a price that passes moves it by its capped share at most', () => {
    const honest = published(market).price
    for (const factor of [0.82, 1.2]) {
      const washed = published([...market, trade(50, 150, (honest / usd) * factor, 1e9)]).price
      expect(Math.abs(washed / honest - 1)).toBeLessThan(indexRules.pairShare * 0.25 + 0.01)
    }
  })

  test('a wash trade does not help a thin market over the threshold', () => {
    const thin = market.filter(({ provider }) => provider === providerOf(0) || provider === providerOf(1))
    expect(priceFigure(series, [...thin, trade(50, 150, 99, 1_000)])).toBe('too-few')
  })
})

const trades = fc.array(
  fc
    .tuple(
      fc.integer({ min: 0, max: 7 }),
      fc.integer({ min: 10, max: 15 }),
      fc.integer({ min: 1, max: 2_000 }),
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 0, max: 5 }),
    )
    .map(([provider, tenant, cents, hours, hour]) => trade(provider, tenant, cents / 100, hours, hour)),
  { maxLength: 40 },
)

describe('of any trades', () => {
  test('the figure is the same in whatever order they come, and lies between what was paid', () => {
    fc.assert(
      fc.property(trades, fc.infiniteStream(fc.nat()), (given, keys) => {
        const shuffled = given.map((each) => ({ each, key: keys.next().value })).toSorted((a, b) => a.key - b.key)
        const figure = priceFigure(series, given)
        expect(
          priceFigure(
            series,
            shuffled.map(({ each }) => each),
          ),
        ).toEqual(figure)
        if (typeof figure === 'string') return
        const prices = given.map(({ amount, quantity }) => (Number(amount) / Number(quantity)) * hourMs)
        expect(figure.price).toBeGreaterThanOrEqual(Math.min(...prices) * 0.995)
        expect(figure.price).toBeLessThanOrEqual(Math.max(...prices) * 1.005)
        expect(figure.low).toBeLessThanOrEqual(figure.price)
        expect(figure.high).toBeGreaterThanOrEqual(figure.price)
        expect(figure.low).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  test('no pair, provider or tenant has more than its share of the weight', () => {
    fc.assert(
      fc.property(trades, (given) => {
        const pairs = [...new Map(given.map((each) => [`${each.provider} ${each.tenant}`, each])).values()]
        const weights = capWeights(
          pairs,
          pairs.map(({ quantity }) => Number(quantity)),
        )
        if (weights === undefined) return
        expect(weights.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 9)
        const shareOf = (of: (pair: Trade) => string): number =>
          Math.max(
            ...Map.groupBy(pairs.keys(), (at) => of(pairs[at] as Trade))
              .values()
              .map((all) => all.reduce((sum, at) => sum + (weights[at] ?? 0), 0)),
          )
        expect(shareOf((pair) => `${pair.provider} ${pair.tenant}`)).toBeLessThanOrEqual(indexRules.pairShare + 1e-6)
        expect(shareOf(({ provider }) => provider)).toBeLessThanOrEqual(indexRules.participantShare + 1e-6)
        expect(shareOf(({ tenant }) => tenant)).toBeLessThanOrEqual(indexRules.participantShare + 1e-6)
      }),
    )
  })

  test('dearer by a factor, the figure is dearer by it', () => {
    fc.assert(
      fc.property(trades, fc.integer({ min: 2, max: 1_000 }), (given, factor) => {
        const [before, after] = [given, given.map((each) => ({ ...each, amount: each.amount * BigInt(factor) }))].map(
          (each) => priceFigure(series, each),
        )
        if (typeof before === 'string' || typeof after === 'string') expect(after).toEqual(before)
        else expect((after?.price ?? 0) / ((before?.price ?? 0) * factor)).toBeCloseTo(1, 1)
      }),
    )
  })
})

test('nine intervals in ten hold the price that providers and tenants are drawn around', () => {
  const random = seededRandom(7)
  const normal = (): number => drawNormal(random)
  const drawn = 400
  let held = 0
  for (let round = 0; round < drawn; round++) {
    const effects = Array.from({ length: 24 }, () => 0.08 * normal())
    const given = Array.from({ length: 60 }, (_, at) => {
      const [provider, tenant] = [at % 12, Math.floor(random() * 12)]
      const price = 2 * (1 + (effects[provider] ?? 0) + (effects[12 + tenant] ?? 0) + 0.03 * normal())
      return trade(provider, 100 + tenant, price, 1 + Math.floor(random() * 20))
    })
    const { low, high } = published(given)
    if (low <= 2 * usd && high >= 2 * usd) held++
  }
  expect(held / drawn).toBeGreaterThan(0.86)
  expect(held / drawn).toBeLessThan(0.97)
})
