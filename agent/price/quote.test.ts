import type { Address, NanoUsd, PriceUnit } from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { flatPolicy, type CurvePoint, type PricePolicy } from './price-policy.ts'
import { quote, type Enquiry, type QuotedOrder } from './quote.ts'
import { fromMillionths, roundUp } from './ratio.ts'

const market = `0x${'a'.repeat(40)}` as Address
const most = 2n ** 63n - 1n

const order: QuotedOrder = {
  tenant: null,
  tenantRegion: null,
  runtime: 'graph',
  unit: 'hour',
  resources: { cpuMilli: 1500, memoryBytes: 3 * 2 ** 30, diskBytes: 2 ** 29, gpuCount: 0 },
  gpuModels: [],
  maxNanoUsd: null,
}
const enquiry: Enquiry = { order, slots: 1, utilisation: 0, market, at: 1_800_000_000_000 }
const plain: PricePolicy = {
  ...flatPolicy(new Map()),
  runtimes: new Map([
    [
      'graph',
      new Map<PriceUnit, NanoUsd>([
        ['hour', 1_000n],
        ['operator', 12n],
      ]),
    ],
  ]),
}

const nanoUsdOf = (policy: PricePolicy, changes: Partial<Enquiry> = {}): bigint | null =>
  quote(policy, { ...enquiry, ...changes }).price?.nanoUsd ?? null

const reasonOf = (policy: PricePolicy, changes: Partial<QuotedOrder> = {}, rest: Partial<Enquiry> = {}) =>
  quote(policy, { ...enquiry, ...rest, order: { ...order, ...changes } }).refusal?.reason

const amount = fc.bigInt({ min: 0n, max: 2n ** 60n })
const millionths = fc.bigInt({ min: 0n, max: 1_000_000_000n })
const factor = millionths.map(fromMillionths)
const utilisation = fc.double({ min: 0, max: 1, noNaN: true })
const shares = fc
  .uniqueArray(fc.bigInt({ min: 0n, max: 1_000_000n }), { maxLength: 6 })
  .map((all) => all.toSorted((a, b) => Number(a - b)))
const curve = shares.chain((sold) =>
  fc
    .array(millionths, { minLength: sold.length, maxLength: sold.length })
    .map((factors): CurvePoint[] =>
      sold.map((share, at) => ({ sold: fromMillionths(share), factor: fromMillionths(factors[at] ?? 0n) })),
    ),
)
const policy: fc.Arbitrary<PricePolicy> = fc
  .record({
    base: amount,
    core: amount,
    gib: amount,
    minimum: amount,
    curve,
    time: factor,
    markUp: factor,
    other: factor,
  })
  .map(({ base, core, gib, minimum, curve: utilisationCurve, time, markUp, other }) => ({
    ...plain,
    resources: { ...plain.resources, coreHour: core, memoryGibHour: gib },
    runtimes: new Map([['graph', new Map<PriceUnit, NanoUsd>([['hour', base]])]]),
    utilisation: utilisationCurve,
    times: [
      {
        days: new Set(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const),
        fromMinute: 0,
        toMinute: 1440,
        factor: time,
      },
    ],
    markUp: new Map([[market, markUp]]),
    otherMarkUp: other,
    minimum: new Map<PriceUnit, NanoUsd>([['hour', minimum]]),
  }))

describe('a quote', () => {
  test('is the base times every factor, at least the minimum, rounded up once', () => {
    const made = quote(
      {
        ...plain,
        resources: { ...plain.resources, coreHour: 1_000_000n, memoryGibHour: 100_000n, diskGibHour: 7n },
        utilisation: [
          { sold: fromMillionths(0n), factor: fromMillionths(1_000_000n) },
          { sold: fromMillionths(1_000_000n), factor: fromMillionths(2_000_000n) },
        ],
        markUp: new Map([[market, fromMillionths(1_100_000n)]]),
      },
      { ...enquiry, utilisation: 0.25 },
    )
    // 1.5 cores, 3 GiB, half a GiB of disk and the runtime: 1,801,003.5; × 1.25 × 1.1 = 2,476,379.8125
    expect(made.price).toEqual({ nanoUsd: 2_476_380n, per: 'hour' })
    expect(made.steps.map(({ step }) => step)).toEqual([
      'base',
      'utilisation',
      'time',
      'mark-up',
      'minimum',
      'rounding',
    ])
  })

  test('by the task or the operator has nothing of the resources in it', () => {
    const rich = { ...plain, resources: { ...plain.resources, coreHour: 10n ** 9n } }
    expect(nanoUsdOf(rich, { order: { ...order, unit: 'operator' } })).toBe(12n)
  })

  test('is the same for the same arguments, never below the minimum, and never more than integers hold', () => {
    fc.assert(
      fc.property(policy, utilisation, fc.integer({ min: 1, max: 10_000 }), (asked, share, slots) => {
        const at = { utilisation: share, slots }
        const first = quote(asked, { ...enquiry, ...at })
        expect(quote(structuredClone(asked), { ...enquiry, ...at })).toEqual(first)
        if (first.price === null) {
          expect(first.refusal.reason).toBe('out_of_range')
          const last = first.steps.at(-1)?.nanoUsd
          expect(last !== undefined && roundUp(last) * BigInt(slots) > most).toBe(true)
          return
        }
        expect(first.price.nanoUsd).toBeGreaterThanOrEqual(asked.minimum.get('hour') ?? 0n)
        expect(first.price.nanoUsd * BigInt(slots)).toBeLessThanOrEqual(most)
      }),
    )
  })

  test('is at most one nano-dollar above the exact product, and never below it', () => {
    fc.assert(
      fc.property(policy, utilisation, (asked, share) => {
        const made = quote(asked, { ...enquiry, utilisation: share })
        const exact = made.steps.at(-2)?.nanoUsd
        if (made.price === null || exact === undefined) return
        const difference = made.price.nanoUsd * exact.denominator - exact.numerator
        expect(difference >= 0n && difference < exact.denominator).toBe(true)
      }),
    )
  })

  test('never falls where a mark-up, a factor of the curve, the minimum or a base price rises', () => {
    const extra = fc.bigInt({ min: 0n, max: 1_000_000_000n })
    fc.assert(
      fc.property(policy, utilisation, extra, (asked, share, more) => {
        const raise = ({ numerator, denominator }: { numerator: bigint; denominator: bigint }) => ({
          numerator: numerator + more,
          denominator,
        })
        const dearer: PricePolicy[] = [
          { ...asked, markUp: new Map([[market, raise(asked.markUp.get(market) ?? fromMillionths(0n))]]) },
          { ...asked, utilisation: asked.utilisation.map((point) => ({ ...point, factor: raise(point.factor) })) },
          { ...asked, times: asked.times.map((rule) => ({ ...rule, factor: raise(rule.factor) })) },
          { ...asked, minimum: new Map([['hour', (asked.minimum.get('hour') ?? 0n) + more]]) },
          { ...asked, resources: { ...asked.resources, coreHour: asked.resources.coreHour + more } },
        ]
        const before = nanoUsdOf(asked, { utilisation: share })
        if (before === null) return
        for (const each of dearer) {
          const after = nanoUsdOf(each, { utilisation: share })
          expect(after === null || after >= before).toBe(true)
        }
      }),
    )
  })

  test('never falls with utilisation where the curve rises', () => {
    fc.assert(
      fc.property(policy, utilisation, utilisation, (asked, a, b) => {
        const factors = asked.utilisation
          .map(({ factor: each }) => each)
          .toSorted((x, y) => Number(x.numerator - y.numerator))
        const rising = {
          ...asked,
          utilisation: asked.utilisation.map(({ sold }, at) => ({ sold, factor: factors[at] ?? fromMillionths(0n) })),
        }
        const [less, more] = [Math.min(a, b), Math.max(a, b)].map((share) => nanoUsdOf(rising, { utilisation: share }))
        if (less === null || more === null || less === undefined || more === undefined) return
        expect(more).toBeGreaterThanOrEqual(less)
      }),
    )
  })
})

describe('no quote', () => {
  const allowing = (access: Partial<PricePolicy['access']>): PricePolicy => ({
    ...plain,
    access: { ...plain.access, ...access },
  })
  const tenant = 'tnt_00000000000000000000000000' as NonNullable<QuotedOrder['tenant']>
  const none = new Set<never>()

  test('for a runtime or a unit without a price', () => {
    expect(reasonOf(plain, { runtime: 'noop' })).toBe('not_sold')
    expect(reasonOf(plain, { unit: 'task' })).toBe('not_sold')
  })

  test('above what the order pays', () => {
    expect(reasonOf(plain, { maxNanoUsd: 999n })).toBe('above_max_price')
    expect(reasonOf(plain, { maxNanoUsd: 1_000n })).toBeUndefined()
  })

  test('for whom a list denies, whatever another allows', () => {
    const both = { allow: new Set([market]), deny: new Set([market]) }
    expect(reasonOf(allowing({ markets: both }))).toBe('market_denied')
    expect(reasonOf(allowing({ markets: { allow: new Set([market]), deny: none } }))).toBeUndefined()
    expect(reasonOf(allowing({ runtimes: { allow: new Set(['noop'] as const), deny: none } }))).toBe('runtime_denied')
    expect(reasonOf(allowing({ tenants: { allow: none, deny: new Set([tenant]) } }), { tenant })).toBe('tenant_denied')
  })

  test('for a tenant whose region nobody said, where only some are allowed; a standing offer is to whoever comes', () => {
    const local = allowing({ tenantRegions: { allow: new Set(['eu']), deny: none } })
    expect(reasonOf(local, { tenant })).toBe('tenant_region_denied')
    expect(reasonOf(local, { tenant, tenantRegion: 'eu' })).toBeUndefined()
    expect(reasonOf(local)).toBeUndefined()
    const listed = allowing({ tenants: { allow: new Set([tenant]), deny: none } })
    expect(reasonOf(listed)).toBeUndefined()
  })

  test('for more than an amount holds, over all slots', () => {
    const dear = { ...plain, runtimes: new Map([['graph', new Map<PriceUnit, NanoUsd>([['hour', most]])]] as const) }
    expect(nanoUsdOf(dear)).toBe(most)
    expect(reasonOf(dear, {}, { slots: 2 })).toBe('out_of_range')
  })
})

describe('a GPU', () => {
  const priced: PricePolicy = {
    ...plain,
    resources: {
      ...plain.resources,
      otherGpuHour: null,
      gpuHours: [
        { name: 'H100', nanoUsd: 2_000n },
        { name: 'NVIDIA H100 NVL', nanoUsd: 3_000n },
        { name: 'RTX 4090', nanoUsd: 300n },
      ],
    },
  }
  const withGpus = (gpuCount: number, ...gpuModels: string[]) => ({
    order: { ...order, gpuModels, resources: { ...order.resources, gpuCount } },
  })

  test('is priced by words of its model, most words first', () => {
    expect(nanoUsdOf(priced, withGpus(1, 'NVIDIA H100 80GB HBM3'))).toBe(3_000n)
    expect(nanoUsdOf(priced, withGpus(2, 'nvidia h100 nvl'))).toBe(7_000n)
  })

  test('is also known by the one word that orders write its model in', () => {
    expect(nanoUsdOf(priced, withGpus(1, 'rtx4090'))).toBe(1_300n)
  })

  test('that may be one of several costs what the dearest does', () => {
    expect(nanoUsdOf(priced, withGpus(1, 'GeForce RTX 4090', 'H100'))).toBe(3_000n)
  })

  test('without a price is not sold, and none is no matter', () => {
    expect(quote(priced, { ...enquiry, ...withGpus(1, 'H1000', 'H100') }).refusal).toMatchObject({
      reason: 'gpu_unpriced',
      found: 'H1000',
    })
    expect(nanoUsdOf(priced, withGpus(0, 'H1000'))).toBe(1_000n)
  })
})
