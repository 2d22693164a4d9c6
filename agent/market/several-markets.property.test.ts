import { attemptId, type AttemptId, type SignedLease, type SignedReservation } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAgent, type Agent } from '../agent.ts'
import { heldRecords } from '../stage/held-records.ts'
import { openSlowJournal } from '../stage/slow-journal.ts'
import { stageModules, stageSigner } from '../stage/stage-agent.ts'
import { createStageMarket, type StageMarket } from '../stage/stage-market.ts'
import { reservableSlots } from './market-record.ts'

type Action =
  | { readonly type: 'reserve'; readonly at: number; readonly slots: number; readonly ttlMs: number }
  | { readonly type: 'release' | 'open' | 'close' | 'start' | 'finish'; readonly pick: number }
  | { readonly type: 'cut' | 'refuse' | 'leave' | 'join'; readonly at: number }
  | { readonly type: 'crash' }

const at = fc.nat(2)
const pick = fc.nat(9)
const some = fc.constantFrom
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: some('reserve'),
      at,
      slots: fc.integer({ min: 1, max: 4 }),
      ttlMs: some(20, 200, 5000),
    }),
  },
  { weight: 8, arbitrary: fc.record({ type: some('release', 'open', 'open', 'close', 'start', 'finish'), pick }) },
  { weight: 3, arbitrary: fc.record({ type: some('cut', 'refuse', 'leave', 'join', 'join'), at }) },
  { weight: 2, arbitrary: fc.record({ type: some('crash') }) },
)
/** A step and the time that passes after it: commits take 2 ms, so that things meet half-way. */
const step = fc.tuple(action, some(0, 1, 3, 5, 30, 100, 3000))

const slots = 4
const leaseMs = 30_000

const play = async (seed: number, steps: readonly (readonly [Action, number])[]): Promise<void> => {
  const { world, market: first, workload, options, modules } = await stageModules({ seed })
  const markets = [first, ...['b', 'c'].map((name) => createStageMarket(world, stageSigner(`market ${name}`)))]
  const isMember = markets.map(() => true)
  const isRefused = markets.map(() => false)
  const journal = openSlowJournal(world, 2)
  const marketOf = (address: string): StageMarket => markets.find((each) => each.address === address) ?? first
  const create = (): Agent =>
    createAgent(
      { ...options, markets: markets.filter((_, index) => isMember[index]).map(({ address }) => address), drainMs: 50 },
      {
        ...modules,
        journal: journal.open(),
        dialOf: (address) => marketOf(address).dial,
        isExpectingMarkets: () => true,
      },
    )
  let agent = create()
  void agent.start()
  await world.pass(10)

  const promised: { readonly market: StageMarket; readonly bid: SignedReservation }[] = []
  const givenUp = new Set<string>()
  const leases: { readonly market: StageMarket; readonly lease: SignedLease; isClosing: boolean; next: number }[] = []
  /** Where each attempt was started. */
  const places = new Map<AttemptId, StageMarket>()
  const choose = <T>(all: readonly T[], index: number): T | undefined => all[index % Math.max(1, all.length)]
  const quietly = (work: () => Promise<unknown>): void =>
    void Promise.resolve()
      .then(work)
      .catch(() => {})
  /** How often each market was left: what it hears of later was given up before. */
  const leaves = new Map<StageMarket, number>()
  const leavesOf = (market: StageMarket): number => leaves.get(market) ?? 0
  const openBids = () => promised.filter(({ bid }) => !givenUp.has(bid.record.id))

  const crash = async (): Promise<void> => {
    journal.crash()
    await agent.stop()
    agent = create()
    void agent.start()
    await world.pass(500)
  }

  const giveUpAll = (market: StageMarket): void => {
    for (const each of promised) if (each.market === market) givenUp.add(each.bid.record.id)
    for (const each of leases) if (each.market === market) each.isClosing = true
  }

  const take = async (each: Action): Promise<void> => {
    switch (each.type) {
      case 'reserve': {
        const market = markets[each.at]
        if (market === undefined) return
        const order = market.order({ slots: each.slots })
        const before = leavesOf(market)
        return quietly(async () => {
          const bid = await market.reserve(order, each.slots, each.ttlMs)
          promised.push({ market, bid })
          if (leavesOf(market) !== before) givenUp.add(bid.record.id)
        })
      }
      case 'release': {
        const held = choose(openBids(), each.pick)
        if (held === undefined) return
        givenUp.add(held.bid.record.id)
        return quietly(() => held.market.handlers().onCall('release', { reservation: held.bid.record.id }))
      }
      case 'open': {
        const held = choose(openBids(), each.pick)
        if (held === undefined) return
        const lease = held.market.lease(held.bid, { paidUntil: world.now() + leaseMs })
        givenUp.add(held.bid.record.id)
        const before = leavesOf(held.market)
        return quietly(async () => {
          await held.market.open(lease)
          leases.push({ market: held.market, lease, isClosing: leavesOf(held.market) !== before, next: 0 })
        })
      }
      case 'close': {
        const held = choose(leases, each.pick)
        if (held === undefined) return
        held.isClosing = true
        return quietly(() => held.market.close(held.lease))
      }
      case 'start': {
        const held = choose(leases, each.pick)
        if (held === undefined || !held.market.isLinked()) return
        const index = held.next++
        places.set(attemptId(held.lease.record.job, index, 1), held.market)
        held.market.start(held.lease, index)
        // Another market that has heard of the lease gets nothing of it.
        for (const other of markets) if (other !== held.market && other.isLinked()) other.start(held.lease, index + 100)
        return
      }
      case 'finish':
        return choose([...workload.runs.values()], each.pick)?.finish()
      case 'cut':
        return markets[each.at]?.cut()
      case 'refuse':
        isRefused[each.at] = isRefused[each.at] !== true
        markets[each.at]?.refuse(isRefused[each.at] === true)
        return
      case 'leave': {
        const market = markets[each.at]
        if (market === undefined || isMember[each.at] === false) return
        isMember[each.at] = false
        leaves.set(market, leavesOf(market) + 1)
        giveUpAll(market)
        return quietly(() => agent.leave(market.address))
      }
      case 'join': {
        const market = markets[each.at]
        if (market === undefined || isMember[each.at] === true) return
        try {
          agent.join(market.address, market.dial)
          isMember[each.at] = true
        } catch {
          // Still being left.
        }
        return
      }
      case 'crash':
        return crash()
    }
  }

  const check = (): void => {
    const now = world.now()
    const leased = leases.filter(({ lease, isClosing }) => !isClosing && lease.record.paidUntil > now)
    const bids = openBids().filter(({ bid }) => bid.record.expiresAt > now)
    const sold = [...leased.map(({ lease }) => lease.record), ...bids.map(({ bid }) => bid.record)]
    expect(sold.reduce((sum, { slots: held }) => sum + held, 0)).toBeLessThanOrEqual(slots)
    const { free, leases: open, markets: statuses } = agent.status()
    for (const { lease } of leased) expect(open).toContain(lease.record.id)
    expect(free.cpuMilli).toBeGreaterThanOrEqual(0)
    const held = statuses.reduce((sum, each) => sum + each.reserved + each.leased, 0)
    expect(free.cpuMilli).toBeLessThanOrEqual(slots * 1000)
    expect(held).toBeLessThanOrEqual(slots)
    expect(workload.runs.size).toBeLessThanOrEqual(slots)
    for (const id of workload.begun) expect(places.has(id)).toBe(true)
    for (const market of markets)
      for (const { record } of market.claims()) expect(places.get(record.attempt)).toBe(market)
  }

  for (const [each, thenMs] of steps) {
    await take(each)
    await world.pass(thenMs)
    check()
  }

  // Everybody comes back, all leases run out, and every slot is offered to every market again.
  for (const [index, market] of markets.entries()) {
    market.refuse(false)
    isRefused[index] = false
  }
  await world.pass(31_000)
  for (const [index] of markets.entries()) await take({ type: 'join', at: index })
  await world.pass(31_000)
  for (const run of workload.runs.values()) run.finish()
  await world.pass(leaseMs)
  const { free, total, leases: left, reservations, markets: statuses } = agent.status()
  expect({ free, left, reservations }).toEqual({ free: total, left: [], reservations: 0 })
  expect(statuses.map(({ phase }) => phase)).toEqual(['linked', 'linked', 'linked'])
  for (const { market, record } of statuses) {
    if (record.restsUntil > world.now()) continue
    const [offer] = marketOf(market).offers()
    expect(offer?.record.slots).toBe(reservableSlots(slots, 3, record, null))
  }
  for (const market of markets) {
    const everything = agent.status().attempts.map(({ id }) => id)
    market.send({ type: 'settled', attempts: everything })
  }
  await world.pass(6000)
  expect(agent.status().attempts).toEqual([])
  expect(await heldRecords(journal)).toEqual([])
  await agent.stop()
}

test('over three markets, crashes, markets that go and come, and markets that are left and joined again, no slot is held twice and every one comes back', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 5, maxLength: 50, size: 'max' }), play), {
    numRuns: 150,
    interruptAfterTimeLimit: 40_000,
  })
}, 60_000)
