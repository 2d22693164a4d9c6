import {
  digestOf,
  linkClosed,
  MusterError,
  newId,
  type AttemptId,
  type DialMarket,
  type SignedReservation,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createAgent } from '../agent.ts'
import type { GivenAgentOptions } from '../options.ts'
import { flatPolicy } from '../price/price-policy.ts'
import { fromMillionths } from '../price/ratio.ts'
import { heldRecords } from '../stage/held-records.ts'
import { stageModules, stageSigner } from '../stage/stage-agent.ts'
import { createStageMarket, type StageMarket } from '../stage/stage-market.ts'

const setThree = async (options: GivenAgentOptions = {}) => {
  const { world, market, workload, options: compiled, modules } = await stageModules({ options })
  const markets = [market, ...['b', 'c'].map((name) => createStageMarket(world, stageSigner(`market ${name}`)))] as [
    StageMarket,
    StageMarket,
    StageMarket,
  ]
  const dials = new Map<string, DialMarket>(markets.map((each) => [each.address, each.dial]))
  const create = () =>
    createAgent(
      { ...compiled, markets: markets.map(({ address }) => address) },
      { ...modules, dialOf: (address) => dials.get(address) ?? market.dial },
    )
  let agent = create()
  const start = async () => {
    await agent.start()
    await world.pass(50)
  }
  return {
    world,
    markets,
    workload,
    dials,
    modules,
    agent: () => agent,
    start,
    restart: async () => {
      await agent.stop()
      agent = create()
      await start()
    },
  }
}

const slotsAt = (markets: readonly StageMarket[]) => markets.map((market) => market.offers()[0]?.record.slots)
const statusOf = (agent: ReturnType<typeof createAgent>, market: StageMarket) =>
  agent.status().markets.find((status) => status.market === market.address)
const lease = async (market: StageMarket, slots = 1) => {
  const signed = market.lease(await market.reserve(market.order({ slots }), slots))
  await market.open(signed)
  return signed
}

describe('an agent of three markets', () => {
  test('offers each of them a share until it has proven itself, and all there is from then on', async () => {
    const { world, markets, start } = await setThree()
    await start()
    const [a, b, c] = markets
    expect(slotsAt(markets)).toEqual([2, 2, 2])
    await expect(a.reserve(a.order({ slots: 3 }))).rejects.toMatchObject({ code: 'capacity_taken' })
    await lease(a)
    await world.pass(50)
    expect(slotsAt(markets)).toEqual([3, 2, 2])
    await lease(b, 2)
    await world.pass(50)
    expect(slotsAt([a, b, c])).toEqual([1, 1, 1])
  })

  test('tells the others within a moment of what one of them takes and gives back, and once for what comes together', async () => {
    const { world, markets, start } = await setThree({ reservedShare: 1 })
    await start()
    const [a, b, c] = markets
    const before = [b, c].map(({ messages }) => messages.length)
    const held = await Promise.all([a.reserve(a.order()), a.reserve(a.order()), a.reserve(a.order())])
    await world.pass(26)
    expect(slotsAt([b, c])).toEqual([1, 1])
    expect([b, c].map(({ messages }, index) => messages.length - (before[index] ?? 0))).toEqual([1, 1])
    for (const { record } of held) await a.handlers().onCall('release', { reservation: record.id })
    await world.pass(26)
    expect(slotsAt([b, c])).toEqual([4, 4])
    expect([b, c].map(({ messages }, index) => messages.length - (before[index] ?? 0))).toEqual([2, 2])
  })

  test('holds nothing for one of them that ran out as its clock was set ahead, and sells it to another', async () => {
    const { world, markets, agent, start } = await setThree({ reservedShare: 1 })
    await start()
    const [a, b] = markets
    await Promise.all([1, 2, 3, 4].map(() => a.reserve(a.order({ slots: 1 }), 1, 10_000)))
    expect(statusOf(agent(), a)?.reserved).toBe(4)
    world.setClockAhead(12_000)
    await Promise.all([1, 2, 3, 4].map(() => b.reserve(b.order({ slots: 1 }), 1, 10_000)))
    expect(markets.map((market) => statusOf(agent(), market)?.reserved)).toEqual([0, 4, 0])
  })

  test('asks each of them its own mark-up', async () => {
    const { markets: of } = await setThree()
    const prices = {
      ...flatPolicy(new Map([['noop', { nanoUsd: 1000n, per: 'task' }]])),
      markUp: new Map([[of[1].address, fromMillionths(1_500_000n)]]),
    }
    const { markets, start } = await setThree({ prices })
    await start()
    expect(markets.map((market) => market.offers()[0]?.record.price.nanoUsd)).toEqual([1000n, 1500n, 1000n])
  })

  test('has room for the sealed bids of each, though one of them never shows how its auctions ended', async () => {
    const { world, markets, start } = await setThree()
    await start()
    const [mute, b] = markets
    const order = { slots: 1, auction: { windowMs: 200, pricing: 'pay-as-bid' as const } }
    const bid = async (market: StageMarket): Promise<void> => {
      const auction = newId(world, 'auction')
      const [offer] = market.offers()
      if (offer === undefined) throw new Error('no offer')
      const times = { windowMs: 200, holdMs: 13_000, closesAt: world.now() + 200 }
      const asked = { auction, order: market.order(order), offer: offer.record.id, slots: 1, ...times }
      await market.handlers().onCall('solicit', asked)
      market.send({ type: 'auction-over', auction, hasWon: false, bids: 1, transcript: digestOf({ auction }) })
      await world.settle()
    }
    const refusal = await (async () => {
      for (let bids = 0; bids < 5_000; bids++) await bid(mute)
    })().catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'rate_limited' })
    await bid(b)
  })

  test('rests a market that reserves again and again and opens no lease, and sells to the others meanwhile', async () => {
    const { world, markets, agent, start } = await setThree()
    await start()
    const [hoarder, b, c] = markets
    for (let round = 0; round < 3; round++) {
      await hoarder.reserve(hoarder.order({ slots: 1 }), 1, 100)
      await world.pass(150)
    }
    await world.pass(50)
    expect(slotsAt(markets)).toEqual([0, 2, 2])
    await expect(hoarder.reserve(hoarder.order())).rejects.toMatchObject({ code: 'capacity_taken' })
    expect(statusOf(agent(), hoarder)?.record).toMatchObject({ lapsed: 3, turnedAway: 1, leased: 0 })
    await lease(b, 2)
    await lease(c, 2)
    expect(agent().status().free.cpuMilli).toBe(0)
    await world.pass(10_100)
    expect(statusOf(agent(), hoarder)?.record.restsUntil).toBeLessThan(world.now())
  })

  test('holds nothing against a market that gives back in time, and against one that keeps slots to itself it does', async () => {
    const { world, markets, agent, start } = await setThree()
    await start()
    const [prompt, slow] = markets
    for (let round = 0; round < 4; round++) {
      for (const [market, heldMs] of [
        [prompt, 4_000],
        [slow, 6_000],
      ] as const) {
        const held = await market.reserve(market.order(), 1, 60_000).catch(() => undefined)
        await world.pass(heldMs)
        if (held !== undefined) await market.handlers().onCall('release', { reservation: held.record.id })
      }
    }
    expect(statusOf(agent(), prompt)?.record).toMatchObject({ released: 4, lapsed: 0 })
    expect(statusOf(agent(), slow)?.record).toMatchObject({ released: 0, lapsed: 3 })
  })

  test('never lets one of them hold more than its share, however many reservations it asks for', async () => {
    const { markets, agent, start } = await setThree({
      capacity: { cpuMilli: 9000, memoryBytes: 2 ** 40, diskBytes: 2 ** 40, gpus: [] },
    })
    await start()
    const [hoarder, b, c] = markets
    const asked = await Promise.allSettled(Array.from({ length: 9 }, () => hoarder.reserve(hoarder.order(), 1, 60_000)))
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect((await b.reserve(b.order({ slots: 3 }))).record.slots).toBe(3)
    expect((await c.reserve(c.order({ slots: 3 }))).record.slots).toBe(3)
    expect(agent().status().free.cpuMilli).toBe(0)
  })

  test('does not let one of them fill the place for attempts of all', async () => {
    const { world, markets, agent, start } = await setThree({ maxUnsettled: 30 })
    await start()
    const [hoarder, b] = markets
    const greedy = await lease(hoarder)
    hoarder.startBatch(
      greedy,
      Array.from({ length: 40 }, (_, index) => ({ index, fence: 1 })),
    )
    const honest = await lease(b)
    b.startBatch(
      honest,
      Array.from({ length: 10 }, (_, index) => ({ index, fence: 1 })),
    )
    await world.pass(10)
    expect(hoarder.failures()).toHaveLength(30)
    expect(hoarder.failures()[0]?.problem).toMatchObject({ code: 'rate_limited', fault: 'market' })
    expect(b.failures()).toEqual([])
    expect(agent().status().attempts).toHaveLength(20)
  })

  test('keeps its records and what it holds of each over a restart', async () => {
    const { world, markets, agent, start, restart } = await setThree()
    await start()
    const [a, b, c] = markets
    const leases = [await lease(a), await lease(b)]
    await c.reserve(c.order(), 1, 100)
    await world.pass(6_000)
    await restart()
    expect(agent().status().leases.toSorted()).toEqual(leases.map(({ record }) => record.id).toSorted())
    expect(statusOf(agent(), a)).toMatchObject({ phase: 'linked', leased: 1, record: { leased: 1 } })
    expect(statusOf(agent(), c)?.record).toMatchObject({ lapsed: 1, leased: 0 })
    expect(slotsAt(markets)).toEqual([2, 2, 2])
    await expect(c.reserve(c.order({ slots: 3 }))).rejects.toMatchObject({ code: 'capacity_taken' })
  })

  test('counts what each was claimed and has settled, also after a restart', async () => {
    const { world, markets, workload, agent, start, restart } = await setThree()
    await start()
    const [a] = markets
    const signed = await lease(a)
    const attempts = [0, 1].map((index) => a.start(signed, index))
    await world.pass(5)
    for (const id of attempts) {
      workload.runs.get(id)?.finish()
      await world.pass(10)
    }
    expect(statusOf(agent(), a)).toMatchObject({ unsettled: 2, record: { claimed: 2, settled: 0 } })
    await world.pass(6_000)
    await restart()
    a.send({ type: 'settled', attempts: [attempts[0] as AttemptId] })
    expect(statusOf(agent(), a)).toMatchObject({ unsettled: 1, record: { claimed: 2, settled: 1 } })
  })
})

describe('one market', () => {
  test('that cannot be reached holds up none of the others, and gets no share', async () => {
    const { markets, agent, start } = await setThree()
    const [down, b, c] = markets
    down.refuse(true)
    await start()
    expect(statusOf(agent(), down)?.phase).toBe('unlinked')
    expect(slotsAt([b, c])).toEqual([2, 2])
    expect((await lease(b, 2)).record.slots).toBe(2)
  })

  test('that never answers a dial holds up none of the others', async () => {
    const { markets, dials, agent, start } = await setThree()
    const [silent, b, c] = markets
    dials.set(silent.address, () => new Promise(() => {}))
    await start()
    expect(slotsAt([b, c])).toEqual([2, 2])
    await agent().stop()
  })

  test.each(['link_superseded', 'forbidden', 'signature_invalid'] as const)(
    'that turns the agent away for good (%s) is given up, and the others are not',
    async (code) => {
      const { world, markets, dials, agent, start } = await setThree()
      const [hostile, b, c] = markets
      dials.set(hostile.address, () => Promise.reject(new MusterError({ code, message: 'Go away.' })))
      await start()
      expect(agent().status().lifecycle).toBe('running')
      expect(statusOf(agent(), hostile)).toMatchObject({ phase: 'refused', problem: { code } })
      expect(slotsAt([b, c])).toEqual([2, 2])
      await world.pass(60_000)
      expect(agent().status().lifecycle).toBe('running')
    },
  )

  test('after another that turns the agent away stops it, with the last reason', async () => {
    const { dials, markets, agent, start } = await setThree()
    for (const { address } of markets)
      dials.set(address, () => Promise.reject(new MusterError({ code: 'forbidden', message: 'Go away.' })))
    await start()
    expect(await agent().stopped).toMatchObject({ code: 'forbidden' })
  })

  test('that breaks its word on the link disturbs nobody else', async () => {
    const { world, markets, agent, start } = await setThree()
    await start()
    const [hostile, b] = markets
    const honest = await lease(b)
    const id = b.start(honest, 0)
    await world.pass(5)
    const stolen = { ...honest, record: { ...honest.record, market: hostile.address } }
    await expect(hostile.open(stolen)).rejects.toBeInstanceOf(MusterError)
    await hostile.close(honest)
    hostile.send({ type: 'cancel', attempts: [id] })
    hostile.send({ type: 'settled', attempts: [id] })
    await hostile.handlers().onCall('release', { reservation: honest.record.reservation as never })
    await world.pass(5)
    expect(agent().status().attempts).toEqual([{ id, phase: 'running' }])
    expect(agent().status().leases).toEqual([honest.record.id])
  })
})

describe('a market', () => {
  test('is left in order: no new work, notice, what runs finishes, claims are settled, the rest is sold to the others', async () => {
    const { world, markets, workload, agent, start } = await setThree()
    await start()
    const [a, b] = markets
    const signed = await lease(a)
    const held: SignedReservation = await a.reserve(a.order(), 1, 60_000)
    const id = a.start(signed, 0)
    await world.pass(5)
    const left = agent().leave(a.address)
    await world.pass(50)
    expect(a.offers()).toEqual([])
    expect(a.messages.find(({ type }) => type === 'notice')).toMatchObject({ leases: [signed.record.id] })
    await expect(a.open(a.lease(held))).rejects.toMatchObject({ code: 'reservation_expired' })
    expect(() => agent().join(a.address, a.dial)).toThrow('still leaving')
    workload.runs.get(id)?.finish()
    await world.pass(200)
    expect(a.claims()).toHaveLength(1)
    a.send({ type: 'settled', attempts: [id] })
    await world.pass(300)
    await left
    expect(a.isLinked()).toBe(false)
    expect(
      agent()
        .status()
        .markets.map(({ market }) => market),
    ).not.toContain(a.address)
    expect(agent().status().free).toEqual(agent().status().total)
    expect(b.offers()[0]?.record.slots).toBe(2)
    agent().join(a.address, a.dial)
    await world.pass(50)
    expect(a.isLinked()).toBe(true)
    expect(slotsAt([a])).toEqual([4])
  })

  test('that is gone is left too, and its claims wait in case it is joined again', async () => {
    const { world, markets, workload, modules, agent, start } = await setThree({ settleMs: 1_000 })
    await start()
    const [a] = markets
    const signed = await lease(a)
    const id = a.start(signed, 0)
    await world.pass(5)
    workload.runs.get(id)?.finish()
    await world.pass(10)
    a.refuse(true)
    a.cut()
    const left = agent().leave(a.address)
    await world.pass(3_000)
    await left
    expect((await heldRecords(modules.journal)).map(({ kind }) => kind).toSorted()).toEqual(['outcomes', 'starts'])
    a.refuse(false)
    const before = a.claims().length
    agent().join(a.address, a.dial)
    await world.pass(100)
    expect(a.claims().length).toBe(before + 1)
  })

  test('that is forgotten leaves nothing behind', async () => {
    const { world, markets, workload, modules, agent, start } = await setThree()
    await start()
    const [a] = markets
    const signed = await lease(a, 2)
    const ids = [a.start(signed, 0), a.start(signed, 1)]
    await world.pass(5)
    workload.runs.get(ids[0] as AttemptId)?.finish()
    await world.pass(10)
    const left = agent().leave(a.address, true)
    await world.pass(100)
    await left
    await world.pass(6_000)
    expect(workload.cancelled).toEqual([ids[1]])
    expect(agent().status().attempts).toEqual([])
    expect(await modules.journal.load()).toEqual([])
  })

  test('that was left is nobody to reserve for', async () => {
    const { world, markets, agent, start } = await setThree()
    await start()
    const [a] = markets
    const handlers = a.handlers()
    const request = { order: a.order(), offer: a.offers()[0]?.record.id as never, slots: 1, ttlMs: 1_000 }
    const left = agent().leave(a.address)
    await expect(handlers.onCall('reserve', request)).rejects.toMatchObject({ code: 'capacity_taken' })
    await world.pass(500)
    await left
  })

  test('that is not known is joined with nothing held, and cut like any other', async () => {
    const { world, markets, agent, start } = await setThree()
    await start()
    const d = createStageMarket(world, stageSigner('market d'))
    agent().join(d.address, d.dial)
    agent().join(d.address, () => Promise.reject(linkClosed('lost')))
    await world.pass(100)
    expect(slotsAt([...markets, d])).toEqual([1, 1, 1, 1])
  })
})
