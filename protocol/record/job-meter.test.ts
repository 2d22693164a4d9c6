import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../digest/digest.ts'
import type { LeaseId } from '../id/id.ts'
import type { AttemptRef, JobEvent } from '../job/job-event.ts'
import type { Address } from '../signature/address.ts'
import type { CloseReason } from '../lease/lease-state.ts'
import type { LeaseTerm } from '../lease/lease-term.ts'
import { exampleLease, exampleReservation, exampleSpec } from '../vector/example-records.ts'
import { createJobMeter, type LeaseObservation } from './job-meter.ts'

const signature = '0x' as const
const start = 1_790_000_000_000
const lease = exampleLease.id

const submitted = { type: 'submitted', at: start, spec: exampleSpec } as unknown as JobEvent
const opened = (at: number, slots: number, id: LeaseId = lease, provider = exampleLease.provider): JobEvent => ({
  type: 'lease-opened',
  at,
  lease: { record: { ...exampleLease, id, slots, provider }, signature },
  reservation: { record: exampleReservation, signature },
})
const closed = (at: number, reason: CloseReason = 'done', id: LeaseId = lease): JobEvent => ({
  type: 'lease-closed',
  at,
  lease: id,
  reason,
})
const refs = (from: number, count: number, fence = 1): AttemptRef[] =>
  Array.from({ length: count }, (_, index) => ({ index: from + index, fence }))
const dispatched = (at: number, attempts: readonly AttemptRef[], id: LeaseId = lease): JobEvent => ({
  type: 'dispatched',
  at,
  lease: id,
  attempts,
})
const done = (at: number, attempts: readonly AttemptRef[]): JobEvent[] => [
  { type: 'claimed', at, attempts: attempts.map((ref) => ({ ...ref, claim: '0x' as never })) },
  {
    type: 'accepted',
    at,
    attempts: attempts.map((ref) => ({ ...ref, receipt: 'rcp' as never, amount: 1n, outputs: [] })),
  },
]
const failed = (at: number, fault: 'provider' | 'program', attempts: readonly AttemptRef[]): JobEvent =>
  ({ type: 'failed', at, attempts: attempts.map((ref) => ({ ...ref, problem: { fault } })) }) as unknown as JobEvent

const measure = (events: readonly JobEvent[]): LeaseObservation[] => {
  const meter = createJobMeter()
  return events.flatMap((event) => meter.step(event))
}

/** A lease of so many slots that works through tasks of one length after a start-up, and claims them so many at a time. */
const steady = (slots: number, tasks: number, durationMs: number, startMs: number, batch: number): JobEvent[] => {
  const ends = Array.from(
    { length: tasks },
    (_, index) => start + startMs + (Math.floor(index / slots) + 1) * durationMs,
  )
  const events = [submitted, opened(start, slots), dispatched(start, refs(0, tasks))]
  for (let from = 0; from < tasks; from += batch) {
    const to = Math.min(tasks, from + batch)
    events.push(...done(ends[to - 1] ?? 0, refs(from, to - from)))
  }
  return [...events, closed((ends.at(-1) ?? 0) + 50)]
}

describe('a lease that worked without a hitch', () => {
  test('tells the time of an attempt and of the start-up, on whatever number of slots', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 6, max: 20 }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.integer({ min: 1, max: 60_000 }),
        (slots, rounds, durationMs, startMs) => {
          const [seen] = measure(steady(slots, slots * rounds, durationMs, startMs, slots))
          expect(seen?.durationMs).toBeCloseTo(durationMs, 6)
          expect(seen?.startMs).toBeCloseTo(startMs, 6)
          const tasks = slots * rounds
          const exposureMs = startMs + rounds * durationMs + 50
          expect(seen).toMatchObject({ succeeded: tasks, failed: 0, honoured: 1, refused: 0, outages: 0, exposureMs })
        },
      ),
    )
  })

  test('tells the same however its claims are batched, but for the start-up that the first batch hides', () => {
    for (const batch of [1, 5, 10]) expect(measure(steady(1, 60, 200, 1_000, batch))[0]?.durationMs).toBeCloseTo(200, 6)
  })

  test('of few tasks tells the time with the start-up in it', () => {
    expect(measure(steady(2, 2, 500, 100, 2))[0]).toMatchObject({ durationMs: 600, startMs: null })
  })
})

describe('a lease', () => {
  const running = [submitted, opened(start, 2), dispatched(start, refs(0, 4))]

  test('that was lost is an outage over the time it was held, and its attempts are not failures', () => {
    const lost: JobEvent = { type: 'lost', at: start + 9_000, attempts: refs(0, 4) }
    expect(measure([...running, lost, closed(start + 9_000, 'lost')])).toMatchObject([
      { outages: 1, exposureMs: 9_000, succeeded: 0, failed: 0, durationMs: null, honoured: 1 },
    ])
  })

  test('that was given back with work on it is an outage, and without any is not', () => {
    const lost: JobEvent = { type: 'lost', at: start + 10, attempts: refs(0, 4) }
    expect(measure([...running, lost, closed(start + 10, 'returned')])[0]?.outages).toBe(1)
    expect(measure([...running, ...done(start + 10, refs(0, 4)), closed(start + 10, 'returned')])[0]?.outages).toBe(0)
  })

  const termed = (term: LeaseTerm): JobEvent[] => {
    const event = opened(start, 2)
    if (event.type !== 'lease-opened') throw new Error('a lease')
    const record = { ...event.lease.record, term, paidUntil: start + 3_600_000 }
    return [submitted, { ...event, lease: { ...event.lease, record } }, dispatched(start, refs(0, 4))]
  }
  const ends = (at: number, inMs: number): JobEvent[] => [
    { type: 'lease-noticed', at, lease, endsAt: at + inMs },
    { type: 'lost', at: at + inMs, attempts: refs(0, 4) },
    closed(at + inMs, 'returned'),
  ]

  test('of spot that was ended with its notice is no outage, and one with less is a breach', () => {
    const spot = termed({ kind: 'spot', termMs: 3_600_000, noticeMs: 60_000 })
    expect(measure([...spot, ...ends(start + 10, 60_000)])[0]).toMatchObject({ outages: 0, failed: 0 })
    expect(measure([...spot, ...ends(start + 10, 60_000)])[0]).not.toHaveProperty('breaches')
    expect(measure([...spot, ...ends(start + 10, 10_000)])[0]).toMatchObject({ outages: 1, breaches: 1 })
  })

  test('that was reserved and ended before its term is a breach, with work on it or without', () => {
    const reserved = termed({ kind: 'reserved', termMs: 3_600_000 })
    expect(measure([...reserved, ...ends(start + 10, 60_000)])[0]).toMatchObject({ outages: 1, breaches: 1 })
    const [notice] = ends(start + 20, 60_000)
    const idle = [...reserved, ...done(start + 10, refs(0, 4)), notice as JobEvent, closed(start + 30, 'returned')]
    expect(measure(idle)[0]).toMatchObject({ outages: 1, breaches: 1, succeeded: 4 })
  })

  test('that was made smaller is measured by the slots it has then', () => {
    const reserved = termed({ kind: 'on-demand', termMs: 3_600_000 })
    const [, event] = reserved
    if (event?.type !== 'lease-opened') throw new Error('a lease')
    const { record: of } = event.lease
    const record = {
      ...{ kind: 'amendment' as const, market: of.market, provider: of.provider, job: of.job, lease: digestOf(of) },
      ...{ number: 1, slots: 1, until: of.paidUntil, price: of.price, issuedAt: start },
    }
    const signed = { record, provider: '0x' as const, market: '0x' as const }
    const amended: JobEvent = { type: 'lease-amended', at: start, lease, amendment: signed }
    expect(measure([...reserved, amended, ...done(start + 400, refs(0, 4)), closed(start + 400)])[0]).toMatchObject({
      durationMs: 100,
    })
  })

  test('that the agent did not take is a refusal, and one on which everything failed is not', () => {
    const lost: JobEvent = { type: 'lost', at: start + 10, attempts: refs(0, 4) }
    expect(measure([...running, lost, closed(start + 10, 'refused')])).toMatchObject([
      { refused: 1, honoured: 0, exposureMs: 0, outages: 0 },
    ])
    const broken = [
      ...running,
      failed(start + 5, 'provider', refs(0, 2)),
      { ...lost, attempts: refs(2, 2) } as JobEvent,
    ]
    expect(measure([...broken, closed(start + 10, 'refused')])).toMatchObject([
      { refused: 0, honoured: 1, failed: 2, exposureMs: 10, durationMs: null },
    ])
  })

  test('is not blamed for a program that fails', () => {
    const events = [
      ...running,
      failed(start + 5, 'program', refs(0, 1)),
      ...done(start + 20, refs(1, 3)),
      closed(start + 20),
    ]
    expect(measure(events)).toMatchObject([{ failed: 0, succeeded: 3, durationMs: null }])
  })

  test('is blamed after all for a program that failed on it and was finished by another provider', () => {
    const [mine, other, third] = ['7', '8', '9'].map((digit) => `${lease.slice(0, -1)}${digit}` as LeaseId)
    if (mine === undefined || other === undefined || third === undefined) throw new Error('leases')
    const stranger = `0x${'3'.repeat(40)}` as Address
    const ended: JobEvent = { type: 'closed', at: start + 60, outcome: 'succeeded', refund: 0n }
    const events = [
      submitted,
      opened(start, 2, mine),
      dispatched(start, refs(0, 3), mine),
      failed(start + 5, 'program', refs(0, 3)),
      closed(start + 5, 'refused', mine),
      // The same provider again: it says nothing about the first time.
      opened(start + 10, 1, other),
      dispatched(start + 10, refs(0, 1, 2), other),
      ...done(start + 20, refs(0, 1, 2)),
      opened(start + 10, 1, third, stranger),
      dispatched(start + 10, refs(1, 1, 2), third),
      ...done(start + 30, refs(1, 1, 2)),
      closed(start + 50, 'done', other),
      closed(start + 50, 'done', third),
    ]
    const refutation = { id: `${mine}.refuted`, failed: 1, succeeded: 0, honoured: 0, exposureMs: 0 }
    expect(measure([...events, ended])).toMatchObject([
      { id: mine, failed: 0, honoured: 1 },
      { id: other, succeeded: 1 },
      { id: third, succeeded: 1 },
      { ...refutation, provider: exampleLease.provider },
    ])
  })

  test('that was suspected tells no times', () => {
    const suspected: JobEvent = { type: 'lease-suspected', at: start + 5, lease }
    expect(measure([...running, suspected, ...done(start + 20, refs(0, 4)), closed(start + 20)])).toMatchObject([
      { succeeded: 4, durationMs: null, startMs: null },
    ])
  })

  test('is seen apart from the others of its job', () => {
    const other = `${lease.slice(0, -1)}7` as LeaseId
    const events = [
      ...running,
      opened(start, 1, other),
      dispatched(start + 100, refs(4, 1), other),
      ...done(start + 200, refs(4, 1)),
      ...done(start + 400, refs(0, 4)),
      closed(start + 400),
      closed(start + 500, 'done', other),
    ]
    expect(measure(events)).toMatchObject([
      { id: lease, succeeded: 4, durationMs: 200 },
      { id: other, succeeded: 1, durationMs: 100 },
    ])
  })

  test('that this reader never saw open says nothing', () => {
    expect(measure([closed(start), dispatched(start, refs(0, 1)), ...done(start, refs(0, 1))])).toEqual([])
  })
})
