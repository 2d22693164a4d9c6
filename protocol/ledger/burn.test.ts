import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JobEvent } from '../job/job-event.ts'
import type { Job } from '../job/job.ts'
import type { Price } from '../money/price.ts'
import { exampleLeaseId, jobAfter, leaseOpened, submittedEvent } from '../vector/example-job.ts'
import { exampleReceipt } from '../vector/example-records.ts'
import { digestOf } from '../digest/digest.ts'
import { burnOf } from './burn.ts'

const hour = 3_600_000

const submitted = (tasks: number, per: Price['per'], nanoUsd = 1_000n): JobEvent => {
  const event = submittedEvent(tasks)
  return { ...event, spec: { ...event.spec, maxPrice: { nanoUsd, per } } }
}

const opened = (number: number, slots: number, price: Price): JobEvent => {
  const event = leaseOpened(number, slots)
  const { lease } = event
  return { ...event, lease: { ...lease, record: { ...lease.record, price, startsAt: 0 } } }
}

const dispatched = (number: number, from: number, count: number): JobEvent => ({
  type: 'dispatched',
  at: 0,
  lease: exampleLeaseId(number),
  attempts: Array.from({ length: count }, (_, index) => ({ index: from + index, fence: 1 })),
})

const accepted = (index: number, amount: bigint): JobEvent[] => {
  const ref = { index, fence: 1 }
  return [
    { type: 'claimed', at: 0, attempts: [{ ...ref, claim: digestOf('claim') }] },
    { type: 'accepted', at: 0, attempts: [{ ...ref, receipt: exampleReceipt.id, amount, outputs: [] }] },
    { type: 'finalised', at: 0, attempts: [ref] },
  ]
}

const byTask: Price = { nanoUsd: 500n, per: 'task' }
const byHour: Price = { nanoUsd: 7_200n, per: 'hour' }

describe('what a job burns', () => {
  test('is nothing without an open lease, whatever is in escrow', () => {
    const waiting = jobAfter(submitted(5, 'task'))
    expect(burnOf(waiting, hour)).toEqual({ perHour: 0n, expected: 5n * 1_000n })
    const closed: JobEvent = { type: 'lease-closed', at: 0, lease: exampleLeaseId(1), reason: 'expired' }
    expect(burnOf(jobAfter(submitted(5, 'task'), opened(1, 2, byTask), closed), hour).perHour).toBe(0n)
  })

  test('by the hour is the price of each slot that a task keeps busy', () => {
    const events = [submitted(9, 'hour'), opened(1, 3, byHour), opened(2, 4, byHour)]
    expect(burnOf(jobAfter(...events), hour).perHour).toBe(0n)
    const some = [...events, dispatched(1, 0, 5), dispatched(2, 5, 1)]
    expect(burnOf(jobAfter(...some), hour).perHour).toBe(4n * 7_200n)
  })

  test('by the task is what was charged over the time since the first lease', () => {
    const events = [submitted(9, 'task'), opened(1, 3, byTask), dispatched(1, 0, 3)]
    const job = jobAfter(...events, ...accepted(0, 500n), ...accepted(1, 500n))
    expect(burnOf(job, hour / 2).perHour).toBe(2_000n)
    expect(burnOf(job, hour).perHour).toBe(1_000n)
    expect(burnOf(job, hour)).toMatchObject({ expected: 7n * 500n })
  })

  test('before the first receipt is what a task costs over the longest it may take', () => {
    const job = jobAfter(submitted(9, 'task'), opened(1, 3, byTask), dispatched(1, 0, 3))
    const { taskTimeoutMs } = job.spec.limits
    expect(burnOf(job, 1).perHour).toBe((3n * 500n * BigInt(hour) + BigInt(taskTimeoutMs) - 1n) / BigInt(taskTimeoutMs))
  })

  test('never goes below zero, never expects more than the escrow, and ends with the job', () => {
    const shape = fc.record({
      tasks: fc.integer({ min: 1, max: 12 }),
      per: fc.constantFrom<Price['per']>('task', 'hour'),
      nanoUsd: fc.bigInt({ min: 0n, max: 10n ** 12n }),
      paid: fc.nat(12),
      now: fc.integer({ min: 0, max: 100 * hour }),
    })
    fc.assert(
      fc.property(shape, ({ tasks, per, nanoUsd, paid, now }) => {
        const done = Math.min(paid, tasks)
        const amount = 1_000_000n / 12n
        const job: Job = jobAfter(
          submitted(tasks, per, nanoUsd),
          opened(1, tasks, { nanoUsd, per }),
          dispatched(1, 0, tasks),
          ...Array.from({ length: done }, (_, index) => accepted(index, amount)).flat(),
        )
        const { perHour, expected } = burnOf(job, now)
        expect(perHour >= 0n).toBe(true)
        expect(expected >= 0n && expected <= job.spec.ceiling - job.paid).toBe(true)
        if (done === tasks) expect({ perHour, expected }).toEqual({ perHour: 0n, expected: 0n })
      }),
    )
  })
})
