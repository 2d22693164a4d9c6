import { createSigner, MusterError, newId, nobleSecp256k1, signRecord, type Lease } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createAgent } from '../agent.ts'
import { openMemoryJournal } from '../journal/memory/open-journal.ts'
import type { Journal } from '../journal/journal.ts'
import { heldRecords } from '../stage/held-records.ts'
import { leaseSlots } from '../stage/lease-slots.ts'
import { openSlowJournal } from '../stage/slow-journal.ts'
import { setStage, stageModules } from '../stage/stage-agent.ts'
import { batchOf } from '../stage/stage-market.ts'

const stranger = createSigner(nobleSecp256k1, new Uint8Array(32).fill(7))

describe('open-lease', () => {
  test('holds the slots until paidUntil, in the journal before it is answered, and twice is once', async () => {
    const stage = await setStage()
    const { market, world, agent, journal } = stage
    const lease = await leaseSlots(stage, 3)
    await market.open(lease)
    expect(await heldRecords(journal)).toMatchObject([
      { kind: 'reservation', lease: { record: { id: lease.record.id } } },
    ])
    await world.pass(599_999)
    expect(agent().status()).toMatchObject({ leases: [lease.record.id], free: { cpuMilli: 1000 } })
    await world.pass(2)
    expect(agent().status()).toMatchObject({ leases: [], free: { cpuMilli: 4000 } })
    expect(await heldRecords(journal)).toEqual([])
  })

  test('is not answered before it is durable, and a crash before then leaves a reservation', async () => {
    const { options, modules, world, market } = await stageModules()
    const journal = openSlowJournal(world, 5)
    const create = () => createAgent(options, { ...modules, journal: journal.open() })
    const agent = create()
    void agent.start()
    await world.pass(10)
    const reserving = market.reserve(market.order())
    await world.pass(10)
    const opening = market.open(market.lease(await reserving))
    let isOpen = false
    opening.then(
      () => (isOpen = true),
      () => {},
    )
    await world.pass(4)
    expect(isOpen).toBe(false)
    journal.crash()
    await agent.stop()
    await world.pass(10)
    expect(isOpen).toBe(false)
    expect(await heldRecords(journal)).toMatchObject([{ kind: 'reservation', lease: null }])
  })

  test('takes the first attempts on with it, in one write', async () => {
    const commits: number[] = []
    const inner = openMemoryJournal()
    let turn = 0
    const journal: Journal = {
      ...inner,
      commit: async (changes) => {
        if (changes.length > 0) commits.push(turn)
        return inner.commit(changes)
      },
    }
    const { market, world, workload } = await setStage({ modules: { journal } })
    const lease = market.lease(await market.reserve(market.order()))
    const first = { batches: [batchOf(lease.record, [{ index: 0, fence: 1, inputs: [] }])], blobs: [] }
    turn = 1
    const opening = market.open(lease, first)
    turn = 2
    await opening
    await world.settle()
    expect(commits).toEqual([0, 1, 1])
    expect(workload.begun).toHaveLength(1)
    await market.open(lease, first)
    await world.settle()
    expect(workload.begun).toHaveLength(1)
  })

  test('drops the first attempts with a lease that could not be written', async () => {
    const inner = openMemoryJournal()
    let isFull = false
    const journal: Journal = {
      ...inner,
      commit: async (changes) => {
        if (isFull && changes.length > 0) throw new MusterError({ code: 'disk_full', message: 'full' })
        return inner.commit(changes)
      },
    }
    const { market, world, workload, agent } = await setStage({ modules: { journal } })
    const lease = market.lease(await market.reserve(market.order()))
    isFull = true
    const first = { batches: [batchOf(lease.record, [{ index: 0, fence: 1, inputs: [] }])], blobs: [] }
    await expect(market.open(lease, first)).rejects.toMatchObject({ code: 'disk_full' })
    await world.pass(100)
    expect(agent().status()).toMatchObject({ leases: [], attempts: [], free: { cpuMilli: 4000 } })
    expect(workload.begun).toEqual([])
    expect(market.failures()).toEqual([])
  })

  test('a lease paid for years neither ends early nor wakes the agent all the time', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage, 1, { lease: { paidUntil: stage.world.now() + 2 ** 41 } })
    await stage.world.pass(3_600_000 * 30)
    expect(stage.agent().status().leases).toEqual([lease.record.id])
  })

  test.each([
    ['slots', { slots: 2 }],
    ['price', { price: { nanoUsd: 1n, per: 'task' } }],
    ['runtime', { runtime: 'graph' }],
    ['resources.memoryBytes', { resources: { cpuMilli: 1000, memoryBytes: 2 ** 31, diskBytes: 0, gpuCount: 0 } }],
    ['provider', { provider: stranger.address }],
    ['market', { market: stranger.address }],
  ] satisfies [string, Partial<Lease>][])(
    'refuses a lease whose %s is not what was reserved',
    async (field, changes) => {
      const { market, agent } = await setStage()
      const reservation = await market.reserve(market.order())
      await expect(market.open(market.lease(reservation, changes))).rejects.toMatchObject({
        code: 'record_invalid',
        facts: { field },
      })
      expect(agent().status()).toMatchObject({ leases: [], reservations: 1 })
    },
  )

  test('refuses a lease the market did not sign', async () => {
    const { market } = await setStage()
    const { record } = market.lease(await market.reserve(market.order()))
    const forged = signRecord(stranger, { chainId: 1, market: market.address }, record)
    await expect(market.open(forged)).rejects.toMatchObject({ code: 'signature_invalid' })
  })

  test('refuses a lease that is over, or starts in another clock’s future', async () => {
    const { market, world } = await setStage()
    const reservation = await market.reserve(market.order())
    const over = market.lease(reservation, { paidUntil: world.now() })
    await expect(market.open(over)).rejects.toMatchObject({ code: 'record_expired' })
    const early = market.lease(reservation, { startsAt: world.now() + 120_000 })
    await expect(market.open(early)).rejects.toMatchObject({ code: 'clock_skewed' })
  })

  test('refuses a second lease of one reservation, and one of a reservation that has expired', async () => {
    const { market, world } = await setStage()
    const reservation = await market.reserve(market.order())
    await market.open(market.lease(reservation))
    await expect(market.open(market.lease(reservation))).rejects.toMatchObject({ code: 'reservation_expired' })
    const late = await market.reserve(market.order(), 1, 1000)
    await world.pass(1001)
    await expect(market.open(market.lease(late))).rejects.toMatchObject({ code: 'reservation_expired' })
  })

  test('refuses another lease under an id that is open', async () => {
    const stage = await setStage()
    const { market, world } = stage
    const lease = await leaseSlots(stage)
    const other = market.lease(await market.reserve(market.order()), { id: lease.record.id, job: newId(world, 'job') })
    await expect(market.open(other)).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('close-lease', () => {
  test('cancels what runs, frees the slots and cannot be undone by a late open-lease', async () => {
    const stage = await setStage()
    const { market, world, workload, agent, journal } = stage
    const lease = await leaseSlots(stage)
    const running = market.start(lease, 0)
    const queued = market.start(lease, 1)
    await world.settle()
    await market.close(lease)
    await market.close(lease)
    await world.pass(20_000)
    expect(workload.cancelled).toEqual([running])
    expect(workload.begun).not.toContain(queued)
    expect(agent().status()).toMatchObject({ leases: [], attempts: [], free: { cpuMilli: 4000 } })
    expect(market.failures()).toEqual([])
    await expect(market.open(lease)).rejects.toMatchObject({ code: 'reservation_expired' })
    expect(await heldRecords(journal)).toEqual([])
  })

  test('a claim that is not settled outlives its lease', async () => {
    const stage = await setStage()
    const { market, world, workload, agent } = stage
    const lease = await leaseSlots(stage)
    const attempt = market.start(lease, 0)
    await world.settle()
    workload.runs.get(attempt)?.finish()
    await world.pass(5)
    await market.close(lease)
    expect(agent().status().attempts).toEqual([{ id: attempt, phase: 'reported' }])
    await world.pass(11_000)
    expect(market.claims()).toHaveLength(2)
  })
})

test('attempts of a lease that runs out are stopped and reported', async () => {
  const stage = await setStage()
  const { market, world, workload } = stage
  const lease = await leaseSlots(stage, 1, { lease: { paidUntil: stage.world.now() + 5000 } })
  const running = market.start(lease, 0)
  const queued = market.start(lease, 1)
  await world.pass(5010)
  expect(workload.cancelled).toEqual([running])
  expect(market.failures()).toMatchObject([
    { attempt: queued, problem: { code: 'lease_closed' } },
    { attempt: running, problem: { code: 'lease_closed' } },
  ])
})

test('a restart keeps a lease that is still paid, forgets one that is not, and says so when asked', async () => {
  const stage = await setStage()
  const { market, world } = stage
  const kept = await leaseSlots(stage, 1)
  const over = await leaseSlots(stage, 1, { lease: { paidUntil: world.now() + 100 } })
  await stage.agent().stop()
  await world.pass(200)
  const agent = await stage.restart()
  await world.pass(500)
  expect(agent.status()).toMatchObject({ leases: [kept.record.id], free: { cpuMilli: 3000 } })
  expect(await market.handlers().onCall('holdings', {})).toEqual({ leases: [kept.record.id], attempts: [] })
  market.start(over, 0)
  await world.settle()
  expect(market.failures()).toMatchObject([{ problem: { code: 'lease_closed' } }])
})

test('what was promised and does not fit a smaller machine is given up, not sold twice', async () => {
  const stage = await setStage()
  await leaseSlots(stage, 3)
  await stage.agent().stop()
  const smaller = await setStage({
    modules: { journal: stage.journal },
    options: { capacity: { cpuMilli: 2000, memoryBytes: 2 ** 33, diskBytes: 0, gpus: [] } },
  })
  expect(smaller.agent().status()).toMatchObject({ leases: [], free: { cpuMilli: 2000 } })
})
