import {
  digestOf,
  type Amendment,
  type LeaseKind,
  type LeaseTerm,
  type Signed,
  type SignedLease,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { flatPolicy, type LeasePolicy, type PricePolicy } from '../price/price-policy.ts'
import { fromMillionths } from '../price/ratio.ts'
import { setStage, type Stage, type StageOptions } from '../stage/stage-agent.ts'

const hourMs = 3_600_000
const one = { numerator: 1n, denominator: 1n }
const leasePolicy = { factor: one, noticeMs: null, minMs: 0, maxMs: 48 * hourMs }
const policy = (changes: Partial<PricePolicy> = {}): PricePolicy => ({
  ...flatPolicy(new Map([['noop', { nanoUsd: 1000n, per: 'task' }]])),
  leases: new Map<LeaseKind, LeasePolicy>([
    ['reserved', leasePolicy],
    ['spot', { ...leasePolicy, noticeMs: 60_000 }],
  ]),
  ...changes,
})

const leaseOf = async (
  { market }: Stage,
  { slots = 3, term = { kind: 'reserved', termMs: 2 * hourMs } as const }: { slots?: number; term?: LeaseTerm } = {},
): Promise<SignedLease> => {
  const { kind, termMs } = term
  const order = market.order({ slots, lease: { kind, ...(kind === 'reserved' ? { termMs } : {}) } })
  const offer = market.offers().find(({ record }) => record.term?.kinds.includes(kind))
  if (offer === undefined) throw new Error('no such offer')
  const reserved = await market.handlers().onCall('reserve', { order, offer: offer.record.id, slots, ttlMs: 10_000 })
  const { issuedAt } = reserved.record
  const lease = market.lease(reserved, {
    startsAt: issuedAt,
    paidUntil: issuedAt + termMs,
    ...(reserved.record.term === undefined ? {} : { term: reserved.record.term }),
  })
  await market.open(lease)
  return lease
}

const stageWith = async (options: StageOptions['options'] = {}): Promise<Stage> =>
  setStage({ options: { prices: policy(), ...options } })

const amend = (
  { market }: Stage,
  lease: SignedLease,
  { number = 1, slots = lease.record.slots, until = lease.record.paidUntil }: Partial<Amendment> = {},
): Promise<Signed<Amendment>> =>
  market.handlers().onCall('amend-lease', { lease: lease.record.id, number, slots, until })

describe('amend-lease', () => {
  test('holds the slots longer, signed, and through a restart', async () => {
    const stage = await stageWith()
    const lease = await leaseOf(stage)
    const { paidUntil } = lease.record
    const { record } = await amend(stage, lease, { until: paidUntil + hourMs })
    expect(record).toMatchObject({ lease: digestOf(lease.record), slots: 3, until: paidUntil + hourMs, number: 1 })
    await stage.world.pass(2 * hourMs + 1)
    expect(stage.agent().status().leases).toEqual([lease.record.id])
    const agent = await stage.restart()
    await stage.world.pass(300)
    expect(agent.status()).toMatchObject({ leases: [lease.record.id], free: { cpuMilli: 1000 } })
    await stage.world.pass(hourMs)
    expect(agent.status()).toMatchObject({ leases: [], free: { cpuMilli: 4000 } })
  })

  test('again is the same answer; the same number with something else takes the place of the last', async () => {
    const stage = await stageWith()
    const lease = await leaseOf(stage)
    const until = lease.record.paidUntil + hourMs
    const first = await amend(stage, lease, { until })
    expect(await amend(stage, lease, { until })).toEqual(first)
    await amend(stage, lease, { until: until + hourMs })
    const next = await amend(stage, lease, { number: 2, until: until + 2 * hourMs })
    expect(next.record.number).toBe(2)
    await expect(amend(stage, lease, { number: 5, until: until + 3 * hourMs })).rejects.toMatchObject({
      code: 'conflict',
    })
    await expect(amend(stage, lease, { number: 3, until })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('gives idle slots back at once, and busy ones as their attempts end', async () => {
    const stage = await stageWith()
    const { market, world, workload, agent } = stage
    const lease = await leaseOf(stage)
    const finish = (at: number) => workload.runs.get(workload.begun[at] ?? ('' as never))?.finish()
    for (const index of [0, 1]) market.start(lease, index)
    await world.settle()
    await amend(stage, lease, { slots: 1 })
    expect(agent().status().free.cpuMilli).toBe(2000)
    market.start(lease, 2)
    await world.settle()
    expect(workload.begun).toHaveLength(2)
    finish(0)
    await world.settle()
    expect(agent().status().free.cpuMilli).toBe(3000)
    expect(workload.begun).toHaveLength(2)
    finish(1)
    await world.settle()
    expect(workload.begun).toHaveLength(3)
    await expect(amend(stage, lease, { number: 2, slots: 2 })).rejects.toMatchObject({ code: 'conflict' })
  })

  test('keeps what was given back free through a restart', async () => {
    const stage = await stageWith()
    const lease = await leaseOf(stage, { slots: 4 })
    await amend(stage, lease, { slots: 1 })
    const other = await leaseOf(stage, { slots: 3 })
    const agent = await stage.restart()
    expect(agent.status().leases.toSorted()).toEqual([lease.record.id, other.record.id].toSorted())
    expect(agent.status().free.cpuMilli).toBe(0)
  })

  test('is refused after the end, under notice, for another market’s lease, and for a spot lease', async () => {
    const stage = await stageWith()
    const lease = await leaseOf(stage, { slots: 1 })
    const spot = await leaseOf(stage, { slots: 1, term: { kind: 'spot', termMs: hourMs, noticeMs: 60_000 } })
    await expect(amend(stage, spot, { until: spot.record.paidUntil + 1 })).rejects.toMatchObject({ code: 'conflict' })
    stage.agent().maintain([{ from: stage.world.now() + 30_000, until: stage.world.now() + hourMs }])
    await stage.world.pass(1_000)
    await expect(amend(stage, spot, { slots: 1, until: spot.record.paidUntil })).rejects.toMatchObject({
      code: 'lease_closed',
    })
    await stage.world.pass(2 * hourMs)
    await expect(amend(stage, lease, { until: lease.record.paidUntil + hourMs })).rejects.toMatchObject({
      code: 'lease_closed',
    })
  })

  test('is refused where the price has risen, the machine is under maintenance, or the term is too long', async () => {
    const stage = await stageWith()
    const lease = await leaseOf(stage)
    const longer = (ms: number) => amend(stage, lease, { until: lease.record.paidUntil + ms })
    await expect(longer(47 * hourMs)).rejects.toMatchObject({ code: 'conflict' })
    const start = lease.record.paidUntil + hourMs / 2
    stage.agent().maintain([{ from: start, until: start + hourMs }])
    await expect(longer(hourMs)).rejects.toMatchObject({ code: 'capacity_taken' })
    stage.agent().maintain([])
    const dearer = { ...leasePolicy, factor: fromMillionths(1_100_000n) }
    stage.agent().reprice(policy({ leases: new Map([['reserved', dearer]]) }))
    await expect(longer(hourMs)).rejects.toMatchObject({ code: 'conflict', facts: { reason: 'above_max_price' } })
    stage.agent().reprice(policy({ leases: new Map([['spot', leasePolicy]]) }))
    await expect(longer(hourMs)).rejects.toMatchObject({ code: 'conflict', facts: { reason: 'lease_not_sold' } })
    stage.agent().reprice(policy())
    expect((await longer(hourMs)).record.price).toEqual(lease.record.price)
  })

  test('is not refused because of what the lease itself takes', async () => {
    const full = [
      { sold: fromMillionths(0n), factor: one },
      { sold: fromMillionths(1_000_000n), factor: fromMillionths(2_000_000n) },
    ]
    const stage = await stageWith({ prices: policy({ utilisation: full }) })
    const lease = await leaseOf(stage, { slots: 4 })
    await amend(stage, lease, { until: lease.record.paidUntil + hourMs })
  })
})

describe('a lease with a term', () => {
  test('is offered by kind, each at its price', async () => {
    const half = { ...leasePolicy, factor: fromMillionths(500_000n), noticeMs: 60_000 }
    const { market } = await stageWith({
      prices: policy({
        leases: new Map<LeaseKind, LeasePolicy>([
          ['spot', half],
          ['reserved', leasePolicy],
        ]),
      }),
    })
    expect(market.offers().map(({ record: { term, price } }) => [term?.kinds, price.nanoUsd])).toEqual([
      [['spot'], 500n],
      [['reserved'], 1000n],
    ])
  })

  test('is refused where its kind is not sold, or it is longer than that', async () => {
    const stage = await stageWith({ prices: policy({ leases: new Map([['reserved', leasePolicy]]) }) })
    const { market } = stage
    const [offer] = market.offers()
    const ask = (lease: object) =>
      market.handlers().onCall('reserve', {
        order: market.order(lease),
        offer: offer?.record.id ?? ('' as never),
        slots: 1,
        ttlMs: 1_000,
      })
    await expect(ask({})).rejects.toMatchObject({ code: 'request_invalid', facts: { requirement: 'lease.kind' } })
    await expect(ask({ lease: { kind: 'reserved', termMs: 49 * hourMs } })).rejects.toMatchObject({
      code: 'request_invalid',
      facts: { requirement: 'lease.term' },
    })
  })

  test('is not opened with other terms than were reserved', async () => {
    const stage = await stageWith()
    const { market } = stage
    const order = market.order({ lease: { kind: 'reserved', termMs: hourMs } })
    const offer = market.offers().find(({ record }) => record.term?.kinds.includes('reserved'))
    const reserved = await market
      .handlers()
      .onCall('reserve', { order, offer: offer?.record.id ?? ('' as never), slots: 1, ttlMs: 10_000 })
    await expect(market.open(market.lease(reserved))).rejects.toMatchObject({ facts: { field: 'term' } })
    const { term } = reserved.record
    if (term === undefined) throw new Error('no term')
    await expect(
      market.open(market.lease(reserved, { term, paidUntil: stage.world.now() + 2 * hourMs })),
    ).rejects.toMatchObject({ facts: { field: 'paidUntil' } })
  })
})
