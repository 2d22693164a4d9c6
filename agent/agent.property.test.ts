import {
  parseAttemptId,
  taskId,
  type AttemptId,
  type AttemptName,
  type AttemptRef,
  type SignedLease,
  type SignedReservation,
} from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAgent, type Agent } from './agent.ts'
import { openSlowJournal } from './stage/slow-journal.ts'
import { heldRecords } from './stage/held-records.ts'
import { stageModules } from './stage/stage-agent.ts'

type Action =
  | { readonly type: 'reserve'; readonly slots: number; readonly ttlMs: number }
  | { readonly type: 'release' | 'open' | 'close'; readonly pick: number }
  | { readonly type: 'start'; readonly pick: number; readonly tasks: readonly AttemptRef[] }
  | { readonly type: 'settle'; readonly pick: number; readonly count: number }
  | { readonly type: 'cancel' | 'finish' | 'fail'; readonly pick: number }
  | { readonly type: 'cut' | 'crash' }

const pick = fc.nat(7)
const some = fc.constantFrom
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: some('reserve'), slots: fc.integer({ min: 1, max: 3 }), ttlMs: some(20, 200, 5000) }),
  },
  { weight: 2, arbitrary: fc.record({ type: some('release', 'open', 'open', 'open'), pick }) },
  { weight: 1, arbitrary: fc.record({ type: some('close'), pick }) },
  {
    weight: 9,
    arbitrary: fc.record({
      type: some('start'),
      pick,
      tasks: fc.array(fc.record({ index: fc.nat(4), fence: fc.integer({ min: 1, max: 4 }) }), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
  },
  { weight: 7, arbitrary: fc.record({ type: some('cancel', 'finish', 'finish', 'finish', 'fail'), pick }) },
  { weight: 3, arbitrary: fc.record({ type: some('settle'), pick, count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ type: some('cut', 'crash', 'crash') }) },
)
/** A step and the time that passes after it: commits take 2 ms, so that things meet half-way. */
const step = fc.tuple(action, some(0, 1, 3, 3, 5, 100, 3000))

const leaseMs = 30_000
const idOf = ({ attempt }: { readonly attempt: AttemptId }): AttemptId => attempt

/** Plays the steps against a real agent and checks, after each, what must never be broken. */
const play = async (seed: number, steps: readonly (readonly [Action, number])[]): Promise<void> => {
  const { world, market, workload, options, modules } = await stageModules({ seed })
  const journal = openSlowJournal(world, 2)
  const create = (): Agent => createAgent(options, { ...modules, journal: journal.open() })
  let agent = create()
  void agent.start()
  await world.pass(10)

  const promised: SignedReservation[] = []
  /** Released or made a lease of, or about to be. */
  const givenUp = new Set<string>()
  const leases: { readonly lease: SignedLease; isClosing: boolean }[] = []
  /** Attempts the market has settled, with how many had been begun by then. */
  const settled = new Map<AttemptId, number>()
  /** Attempts the market gave up without a word of theirs. */
  const givenUpOn = new Set<AttemptId>()
  const signatures = new Map<AttemptId, string>()
  const choose = <T>(all: readonly T[], index: number): T | undefined => all[index % Math.max(1, all.length)]
  const quietly = (work: () => Promise<unknown>): void =>
    void Promise.resolve()
      .then(work)
      .catch(() => {})

  const giveUpOn = (isMeant: (name: AttemptName) => boolean): void => {
    for (const id of workload.begun) {
      const name = parseAttemptId(id)
      if (name !== undefined && isMeant(name)) givenUpOn.add(id)
    }
  }

  const take = (action: Action): void => {
    switch (action.type) {
      case 'reserve':
        quietly(async () =>
          promised.push(await market.reserve(market.order({ slots: action.slots }), action.slots, action.ttlMs)),
        )
        break
      case 'release': {
        const reservation = choose(
          promised.filter(({ record }) => !givenUp.has(record.id)),
          action.pick,
        )
        if (reservation === undefined) break
        givenUp.add(reservation.record.id)
        quietly(() => market.handlers().onCall('release', { reservation: reservation.record.id }))
        break
      }
      case 'open': {
        const reservation = choose(
          promised.filter(({ record }) => !givenUp.has(record.id)),
          action.pick,
        )
        if (reservation === undefined) break
        const lease = market.lease(reservation, { paidUntil: world.now() + leaseMs })
        givenUp.add(reservation.record.id)
        quietly(async () => {
          await market.open(lease)
          leases.push({ lease, isClosing: false })
        })
        break
      }
      case 'close': {
        const entry = choose(leases, action.pick)
        if (entry === undefined) break
        entry.isClosing = true
        giveUpOn(({ job }) => job === entry.lease.record.job)
        quietly(() => market.close(entry.lease))
        break
      }
      case 'start': {
        const entry = choose(leases, action.pick)
        if (entry === undefined || !market.isLinked()) break
        const { job } = entry.lease.record
        for (const { index, fence } of action.tasks) {
          giveUpOn((name) => name.job === job && name.index === index && name.fence < fence)
        }
        market.startBatch(entry.lease, action.tasks)
        break
      }
      case 'cancel': {
        const attempt = choose(workload.begun, action.pick)
        if (attempt === undefined || !market.isLinked()) break
        givenUpOn.add(attempt)
        market.send({ type: 'cancel', attempts: [attempt] })
        break
      }
      case 'finish':
        choose([...workload.runs.values()], action.pick)?.finish({
          outputs: [{ name: 'y', bytes: new Uint8Array([action.pick]) }],
        })
        break
      case 'fail':
        choose([...workload.runs.values()], action.pick)?.fail(new Error('bad luck'))
        break
      case 'settle': {
        const known = [...market.claims().map(({ record }) => record.attempt), ...market.failures().map(idOf)]
        const attempts = known.slice(action.pick, action.pick + action.count)
        if (attempts.length === 0 || !market.isLinked()) break
        for (const id of attempts) if (!settled.has(id)) settled.set(id, workload.begun.length)
        market.send({ type: 'settled', attempts })
        break
      }
      case 'cut':
        market.cut()
        break
      case 'crash':
    }
  }

  const crash = async (): Promise<void> => {
    journal.crash()
    await agent.stop()
    agent = create()
    void agent.start()
    await world.pass(500)
  }

  const check = (): void => {
    const now = world.now()
    const leased = leases
      .filter(({ lease, isClosing }) => !isClosing && lease.record.paidUntil > now)
      .map(({ lease }) => lease.record)
    const bids = promised.map(({ record }) => record).filter(({ id, expiresAt }) => expiresAt > now && !givenUp.has(id))
    expect([...leased, ...bids].reduce((sum, { slots }) => sum + slots, 0)).toBeLessThanOrEqual(4)
    const { free, leases: open, reservations } = agent.status()
    for (const { id } of leased) expect(open).toContain(id)
    expect(reservations).toBeGreaterThanOrEqual(bids.length)
    expect(free.cpuMilli).toBeGreaterThanOrEqual(0)
    expect(workload.runs.size).toBeLessThanOrEqual(4)

    const highest = new Map<string, number>()
    for (const id of workload.begun) {
      const name = parseAttemptId(id)
      if (name === undefined) continue
      const task = taskId(name.job, name.index)
      expect(name.fence).toBeGreaterThanOrEqual(highest.get(task) ?? 0)
      highest.set(task, name.fence)
    }

    const held = new Set(agent.status().attempts.map(({ id }) => id))
    for (const [at, id] of workload.begun.entries()) {
      const settledAfter = settled.get(id)
      if (settledAfter !== undefined) expect(at).toBeLessThan(settledAfter)
      else if (!givenUpOn.has(id)) expect(held).toContain(id)
    }

    const reported = new Set(agent.status().attempts.flatMap(({ id, phase }) => (phase === 'reported' ? [id] : [])))
    for (const { record, signature } of market.claims()) {
      if (!settled.has(record.attempt)) expect(reported).toContain(record.attempt)
      const signed = JSON.stringify(signature)
      expect(signatures.get(record.attempt) ?? signed).toBe(signed)
      signatures.set(record.attempt, signed)
    }
  }

  take({ type: 'reserve', slots: 2, ttlMs: 5000 })
  await world.pass(5)
  take({ type: 'open', pick: 0 })
  await world.pass(5)
  for (const [action, thenMs] of steps) {
    take(action)
    if (action.type === 'crash') await crash()
    await world.pass(thenMs)
    check()
  }

  await world.pass(20)
  await crash()
  const unsettled = new Set(
    market
      .claims()
      .map(({ record }) => record.attempt)
      .filter((id) => !settled.has(id)),
  )
  market.cut()
  const before = market.messages.length
  await world.pass(31_000)
  const repeated = new Set(
    market.messages
      .slice(before)
      .flatMap((message) => (message.type === 'claims' ? message.batches : []))
      .flatMap(({ claims }) => claims.map(({ attempt }) => attempt)),
  )
  for (const id of unsettled) expect(repeated).toContain(id)
  await world.pass(leaseMs)
  const { free, total, leases: left, reservations } = agent.status()
  expect({ free, left, reservations }).toEqual({ free: total, left: [], reservations: 0 })
  const everything = [...agent.status().attempts].map(({ id }) => id)
  market.send({ type: 'settled', attempts: everything })
  await world.pass(6000)
  expect(agent.status().attempts).toEqual([])
  expect(await heldRecords(journal)).toEqual([])
  await agent.stop()
}

test('no sequence of calls, crashes and restarts sells a slot twice, runs a lower fence after a higher or what was settled again, or forgets an attempt', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), play), {
    numRuns: 250,
    interruptAfterTimeLimit: 40_000,
  })
}, 60_000)
