import type { Job } from '../job/job.ts'
import { chargeFor } from '../money/price.ts'
import type { NanoUsd } from '../money/money.ts'

const msPerHour = 3_600_000n

/** How fast a job spends, in nano-dollars an hour, and how much more of its escrow it can be expected to spend. */
export interface JobBurn {
  readonly perHour: NanoUsd
  /** Tasks not yet paid × what a task costs: never more than what is left of the ceiling. */
  readonly expected: NanoUsd
}

const divideUp = (value: bigint, by: bigint): bigint => (value + by - 1n) / by

/** What a task of the job costs: the mean of those that were paid; before the first, the dearest of the open leases. */
const costOfTask = (job: Job): NanoUsd => {
  const paid = BigInt(job.amounts.size)
  if (paid > 0n) return divideUp(job.charged, paid)
  let dearest = 0n
  for (const { phase, lease } of job.leases.values()) {
    if (phase === 'closed') continue
    const usage = { operators: job.operators, slotMs: job.spec.limits.taskTimeoutMs }
    const charge = chargeFor(lease.record.price, usage)
    if (charge > dearest) dearest = charge
  }
  return dearest === 0n
    ? chargeFor(job.spec.maxPrice, { operators: job.operators, slotMs: job.spec.limits.taskTimeoutMs })
    : dearest
}

/**
 * What a job spends now. Open leases burn only as far as tasks keep their slots busy:
 * - a lease priced by the hour burns its price for each busy slot;
 * - one priced by the task or the operator burns what the job was charged so far over the time since its first lease, both
 *   as measured; before the first receipt, what a task costs over the longest it may take, for each busy slot: the least it
 *   can be unless tasks fail.
 * A job without an open lease burns nothing, whatever it has in escrow.
 */
export const burnOf = (job: Job, now: number): JobBurn => {
  const left = job.counts.waiting + job.counts.running
  const cost = costOfTask(job)
  const escrow = job.spec.ceiling - job.paid
  const wanted = cost * BigInt(left + job.counts.accepted)
  const expected = wanted < escrow ? wanted : escrow
  const open = [...job.leases.values()].filter(({ phase }) => phase !== 'closed')
  if (job.closed !== null || open.length === 0 || left === 0) return { perHour: 0n, expected }

  let byHour = 0n
  let busyByTask = 0
  let busy = left
  for (const { lease } of open) {
    const { id, slots, price } = lease.record
    const taken = Math.min(slots, busy, job.inFlight.get(id)?.size ?? 0)
    busy -= taken
    if (price.per === 'hour') byHour += price.nanoUsd * BigInt(taken)
    else busyByTask += taken
  }
  if (busyByTask === 0) return { perHour: byHour, expected }
  return { perHour: byHour + byTaskPerHour(job, cost, busyByTask, now), expected }
}

const byTaskPerHour = (job: Job, cost: NanoUsd, busy: number, now: number): NanoUsd => {
  if (job.charged > 0n) {
    const first = Math.min(...[...job.leases.values()].map(({ lease }) => lease.record.startsAt))
    return divideUp(job.charged * msPerHour, BigInt(Math.max(1, now - first)))
  }
  return divideUp(cost * BigInt(busy) * msPerHour, BigInt(job.spec.limits.taskTimeoutMs))
}
