import { newId, type NanoUsd, type PriceUnit } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { flatPolicy, weekdays, type PricePolicy } from '../price/price-policy.ts'
import { fromMillionths } from '../price/ratio.ts'
import { setStage } from '../stage/stage-agent.ts'

const factor = (value: number) => fromMillionths(BigInt(value * 1e6))
const plain = flatPolicy(new Map([['noop', { nanoUsd: 1000n, per: 'task' }]]))
/** Twice as dear when all is leased. */
const rising: PricePolicy = {
  ...plain,
  utilisation: [
    { sold: factor(0), factor: factor(1) },
    { sold: factor(1), factor: factor(2) },
  ],
}

const priceOf = ({ market }: Pick<Awaited<ReturnType<typeof setStage>>, 'market'>): bigint | undefined =>
  market.offers()[0]?.record.price.nanoUsd

test('an offer follows what is leased, up and down, under a new id for each price', async () => {
  const stage = await setStage({ options: { prices: rising } })
  const { market, world } = stage
  const ids = [market.offers()[0]?.record.id]
  const lease = market.lease(await market.reserve(market.order({ slots: 2 })))
  await market.open(lease)
  await world.pass(30)
  expect(priceOf(stage)).toBe(1500n)
  ids.push(market.offers()[0]?.record.id)
  await market.close(lease)
  await world.pass(30)
  expect(priceOf(stage)).toBe(1000n)
  ids.push(market.offers()[0]?.record.id)
  expect(new Set(ids).size).toBe(3)
  await world.pass(120_000)
  expect(market.offers()[0]?.record.id).toBe(ids[2])
})

test('what is only reserved is not sold and changes no price', async () => {
  const stage = await setStage({ options: { prices: rising } })
  const before = stage.market.messages.length
  await stage.market.reserve(stage.market.order({ slots: 4 }), 4, 1_000)
  await stage.world.pass(100)
  expect(priceOf(stage)).toBe(1000n)
  expect(stage.market.messages).toHaveLength(before)
})

test('a reservation is never dearer than the offer it answers, as long as that is in force', async () => {
  const stage = await setStage({ options: { prices: rising } })
  const { market, world } = stage
  const cheap = market.offers()[0]?.record
  if (cheap === undefined) throw new Error('no offer')
  await market.open(market.lease(await market.reserve(market.order({ slots: 2 }))))
  await world.pass(30)
  const reserve = (nonce: string) =>
    market.handlers().onCall('reserve', {
      order: market.order({ nonce: `0x${nonce.repeat(32)}` }),
      offer: cheap.id,
      slots: 1,
      ttlMs: 1_000,
    })
  expect((await reserve('1')).record.price).toEqual(cheap.price)
  expect((await market.reserve(market.order())).record.price.nanoUsd).toBe(1500n)
  await world.pass(60_000)
  await expect(reserve('2')).rejects.toMatchObject({ code: 'record_expired' })
})

test('an offer follows the clock, to the minute', async () => {
  const prices: PricePolicy = {
    ...plain,
    // The stage begins at 08:00 UTC.
    times: [{ days: new Set(weekdays), fromMinute: 8 * 60 + 3, toMinute: 8 * 60 + 5, factor: factor(0.5) }],
  }
  const stage = await setStage({ options: { prices } })
  const seen: (bigint | undefined)[] = []
  for (let minute = 0; minute < 7; minute++) {
    await stage.world.pass(100)
    seen.push(priceOf(stage))
    await stage.world.pass(59_900)
  }
  expect(seen).toEqual([1000n, 1000n, 1000n, 500n, 500n, 1000n, 1000n])
})

test('a runtime in two units has an offer in each', async () => {
  const { market } = await setStage({
    options: {
      prices: {
        ...plain,
        runtimes: new Map([
          [
            'noop',
            new Map<PriceUnit, NanoUsd>([
              ['task', 5n],
              ['hour', 7n],
            ]),
          ],
        ]),
        resources: { ...plain.resources, coreHour: 3n },
      },
    },
  })
  expect(market.offers().map(({ record }) => record.price)).toEqual([
    { nanoUsd: 5n, per: 'task' },
    { nanoUsd: 10n, per: 'hour' },
  ])
})

test('another policy is published at once, and a market it denies is offered nothing', async () => {
  const stage = await setStage()
  const { market, world, agent } = stage
  const [before] = market.offers()
  agent().reprice(flatPolicy(new Map([['noop', { nanoUsd: 9n, per: 'task' }]])))
  await world.pass(30)
  expect(priceOf(stage)).toBe(9n)
  agent().reprice({
    ...plain,
    access: { ...plain.access, markets: { allow: new Set(), deny: new Set([market.address]) } },
  })
  await world.pass(30)
  expect(market.messages.at(-1)).toMatchObject({ type: 'offers', offers: [] })
  const request = { order: market.order(), offer: before?.record.id ?? newId(world, 'offer'), slots: 1, ttlMs: 1_000 }
  await expect(market.handlers().onCall('reserve', request)).rejects.toMatchObject({
    code: 'forbidden',
    facts: { reason: 'market_denied' },
  })
})

test('an order of a tenant that the policy denies is refused, and the offer stands for others', async () => {
  const { market, world, agent } = await setStage()
  const tenant = newId(world, 'tenant')
  agent().reprice({ ...plain, access: { ...plain.access, tenants: { allow: new Set(), deny: new Set([tenant]) } } })
  await world.pass(30)
  const before = market.messages.length
  await expect(market.reserve(market.order({ tenant }))).rejects.toMatchObject({
    code: 'forbidden',
    facts: { reason: 'tenant_denied', found: tenant },
  })
  await world.pass(100)
  expect(market.messages).toHaveLength(before)
  expect((await market.reserve(market.order())).record.slots).toBe(1)
})

test('a runtime whose slot has a GPU without a price is not offered', async () => {
  const gpu = { uuid: 'GPU-a', vendor: 'nvidia', model: 'H100', vramBytes: 1 } as const
  const { market } = await setStage({
    options: {
      gpus: [gpu],
      capacity: { cpuMilli: 4000, memoryBytes: 2 ** 33, diskBytes: 0, gpus: [gpu.uuid] },
      slot: { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 1 },
      prices: {
        ...plain,
        runtimes: new Map([
          [
            'noop',
            new Map<PriceUnit, NanoUsd>([
              ['task', 5n],
              ['hour', 7n],
            ]),
          ],
        ]),
        resources: { ...plain.resources, otherGpuHour: null },
      },
    },
  })
  expect(market.offers().map(({ record }) => record.price.per)).toEqual(['task'])
})

test('whatever happens, an id has one price, a bid has that of its offer, and what is published is the quote of now', async () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('lease' as const), slots: fc.integer({ min: 1, max: 2 }) }),
    fc.record({ type: fc.constant('bid' as const), which: fc.nat() }),
    fc.record({ type: fc.constant('close' as const), which: fc.nat() }),
    fc.record({ type: fc.constant('reprice' as const), nanoUsd: fc.bigInt({ min: 1n, max: 9n }) }),
    fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40_000 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const stage = await setStage({ options: { prices: rising } })
      const { market, world, agent } = stage
      const leases: Awaited<ReturnType<typeof market.reserve>>[] = []
      let prices = rising
      const offers = () => market.messages.flatMap((message) => (message.type === 'offers' ? message.offers : []))
      const lease = async (slots: number) => {
        const held = await market.reserve(market.order({ slots })).catch(() => undefined)
        if (held === undefined) return
        await market.open(market.lease(held))
        leases.push(held)
      }
      const bid = async (which: number) => {
        const asked = offers()[which % offers().length]?.record
        if (asked === undefined) return
        const request = { order: market.order(), offer: asked.id, slots: 1, ttlMs: 10 }
        const { record } = await market
          .handlers()
          .onCall('reserve', request)
          .catch(() => ({ record: asked }))
        expect(record.price).toEqual(asked.price)
      }
      for (const each of steps) {
        if (each.type === 'lease') await lease(each.slots)
        if (each.type === 'bid') await bid(each.which)
        if (each.type === 'close') {
          const [held] = leases.splice(each.which % Math.max(1, leases.length), 1)
          const [id] = agent().status().leases
          if (held !== undefined && id !== undefined) await market.handlers().onCall('close-lease', { lease: id })
        }
        if (each.type === 'reprice') {
          prices = { ...rising, runtimes: new Map([['noop', new Map<PriceUnit, NanoUsd>([['task', each.nanoUsd]])]]) }
          agent().reprice(prices)
        }
        if (each.type === 'pass') await world.pass(each.ms)
      }
      await world.pass(2_100)
      const byId = Map.groupBy(offers(), ({ record }) => record.id)
      for (const same of byId.values()) expect(new Set(same.map(({ record }) => record.price.nanoUsd)).size).toBe(1)
      const { free } = agent().status()
      const base = prices.runtimes.get('noop')?.get('task') ?? 0n
      const leased = BigInt(4 - free.cpuMilli / 1000)
      expect(priceOf(stage)).toBe((base * (4n + leased) + 3n) / 4n)
      await agent().stop()
    }),
    { numRuns: 60 },
  )
})
