import { parseId, type LeaseId } from '../id/id.ts'
import type { JobEvent } from '../job/job-event.ts'
import { commitSpec } from '../job/commit-spec.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { stepJob, type Job } from '../job/job.ts'
import { exampleLease, exampleOrder, exampleReservation, exampleSalt } from './example-records.ts'

const signature = `0x${'00'.repeat(65)}` as const

/** The first event of a job of so many no-op tasks, with an escrow of 0.001 dollars. */
export const submittedEvent = (
  tasks: number,
  slots = tasks,
  maxFailures = 2,
): Extract<JobEvent, { type: 'submitted' }> => ({
  type: 'submitted',
  at: 0,
  job: exampleLease.job,
  tenant: exampleLease.tenant,
  spec: commitSpec(
    jobSpecSchema.parse({
      apiVersion: 'muster/v1',
      kind: 'batch',
      name: 'example',
      runtime: 'noop',
      program: null,
      tasks: Array.from({ length: tasks }, () => ({ inputs: [] })),
      slots,
      resources: { cpuMilli: 1000, memoryBytes: 1, diskBytes: 0 },
      maxPrice: { nanoUsd: 1000n, per: 'task' },
      ceiling: 1_000_000n,
      limits: { maxFailures },
    }),
    exampleSalt,
  ),
  order: { record: exampleOrder, signature },
  operators: 0,
  execSpec: '',
  declaredOutputs: [],
})

export const exampleLeaseId = (number: number): LeaseId =>
  parseId('lease', `lse_${number.toString().padStart(26, '0')}`)

/** The event that opens lease number so-and-so of a job. */
export const leaseOpened = (
  number: number,
  slots: number,
  paidUntil = 1_000_000,
  at = 0,
): Extract<JobEvent, { type: 'lease-opened' }> => ({
  type: 'lease-opened',
  at,
  lease: { record: { ...exampleLease, id: exampleLeaseId(number), slots, paidUntil }, signature },
  reservation: { record: { ...exampleReservation, slots }, signature },
})

/** A job after these events. */
export const jobAfter = (...events: readonly JobEvent[]): Job => {
  let job: Job | undefined
  for (const event of events) job = stepJob(job, event)
  if (job === undefined) throw new TypeError('a job has a first event')
  return job
}
