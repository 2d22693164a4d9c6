import { z } from 'zod'
import { namedBlobSchema } from '../claim/claim.ts'
import { problemSchema } from '../error/problem.ts'
import { idSchema } from '../id/id.ts'
import type { LeaseState } from '../lease/lease-state.ts'
import type { Lease } from '../lease/lease.ts'
import { formatUsd, nanoUsdSchema } from '../money/money.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema, type Address } from '../signature/address.ts'
import type { JobEvent } from './job-event.ts'
import type { Job } from './job.ts'

export const taskCountsSchema = z.strictObject({
  waiting: z.int(),
  running: z.int(),
  accepted: z.int(),
  final: z.int(),
  abandoned: z.int(),
  cancelled: z.int(),
})

/** What an event says of one task. */
export const timelineTaskSchema = z.strictObject({
  index: z.int(),
  fence: z.int().optional(),
  outputs: z.array(namedBlobSchema).optional(),
  amount: nanoUsdSchema.optional(),
  receipt: idSchema('receipt').optional(),
  problem: problemSchema.optional(),
})

/** An event of a job as its tenant sees it. `version` numbers the events of a job from 1; `message` is a sentence for a person. */
export const timelineEventSchema = z.strictObject({
  version: z.int().min(1),
  at: timeSchema,
  type: z.string(),
  message: z.string(),
  counts: taskCountsSchema,
  lease: idSchema('lease').optional(),
  auction: idSchema('auction').optional(),
  provider: addressSchema.optional(),
  tasks: z.array(timelineTaskSchema).optional(),
  problem: problemSchema.optional(),
  outcome: z.enum(['succeeded', 'failed', 'cancelled']).optional(),
})

export type TimelineEvent = z.output<typeof timelineEventSchema>

type Detail = Pick<TimelineEvent, 'message'> &
  Partial<Pick<TimelineEvent, 'lease' | 'auction' | 'provider' | 'tasks' | 'problem' | 'outcome'>>

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const providerOf = (job: Job, lease: string): Address | undefined => {
  for (const [id, state] of job.leases) if (id === lease) return state.provider
  return undefined
}

const onLease = (job: Job, lease: Parameters<Job['leases']['get']>[0], say: (provider: string) => string): Detail => {
  const provider = providerOf(job, lease)
  return { message: say(provider ?? 'unknown'), lease, ...(provider === undefined ? {} : { provider }) }
}

const sayTime = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`

const sayTerm = ({ term, paidUntil }: Lease): string => {
  if (term === undefined || term.kind === 'on-demand') return ''
  if (term.kind === 'reserved') return `, reserved until ${sayTime(paidUntil)}`
  return `, spot with ${(term.noticeMs ?? 0) / 1000} s of notice`
}

const sayNotice = (provider: string, state: LeaseState | undefined, takesWork: boolean): string => {
  const end = state?.notice?.endsAt ?? Infinity
  const when = state === undefined || end >= state.until ? '' : ` at ${sayTime(end)}`
  const what = takesWork ? 'it gets only tasks that end before' : 'it gets no new tasks'
  return `${provider} wants its slots back${when}; ${what}${state?.isBroken === true ? '. This breaks its term' : ''}.`
}

const detail = (job: Job, event: JobEvent): Detail => {
  switch (event.type) {
    case 'submitted':
      return {
        message: `Submitted with ${plural(event.spec.tasks.length, 'task')}; ${formatUsd(event.spec.ceiling)} in escrow.`,
      }
    case 'unmatched':
      return {
        message: `No offer for ${plural(event.missing, 'slot')}: ${event.problem.message}`,
        problem: event.problem,
      }
    case 'auctioned':
      return {
        message: `Sealed auction ${event.auction}: ${event.bids} of ${plural(event.solicited, 'agent')} bid, ${event.winners} won ${plural(event.slots, 'slot')}.`,
        auction: event.auction,
      }
    case 'lease-opened': {
      const { id, slots, price } = event.lease.record
      return onLease(
        job,
        id,
        (at) =>
          `Leased ${plural(slots, 'slot')} of ${at} at ${formatUsd(price.nanoUsd)} per ${price.per}${sayTerm(event.lease.record)}.`,
      )
    }
    case 'lease-suspected':
      return onLease(job, event.lease, (at) => `Cannot reach ${at}; waiting before its work is given to others.`)
    case 'lease-recovered':
      return onLease(job, event.lease, (at) => `Reached ${at} again; its work went on meanwhile.`)
    case 'lease-noticed':
      return onLease(job, event.lease, (at) => sayNotice(at, job.leases.get(event.lease), event.takesWork === true))
    case 'lease-amended': {
      const { slots, until } = event.amendment.record
      return onLease(
        job,
        event.lease,
        (at) => `Agreed with ${at}: ${plural(slots, 'slot')} until ${sayTime(until)}, at the same price.`,
      )
    }
    case 'lease-closed':
      return onLease(job, event.lease, (at) => {
        const isBroken = job.leases.get(event.lease)?.isBroken === true
        return `Closed the lease with ${at}: ${event.reason}${isBroken ? ', in breach of its term' : ''}.`
      })
    case 'dispatched':
      return {
        ...onLease(job, event.lease, (at) => `Sent ${plural(event.attempts.length, 'task')} to ${at}.`),
        tasks: [...event.attempts],
      }
    case 'claimed':
      return { message: `Claims arrived for ${plural(event.attempts.length, 'task')}.` }
    case 'accepted':
      return {
        message: `Accepted ${plural(event.attempts.length, 'task')}.`,
        tasks: event.attempts.map(({ index, fence, outputs, amount, receipt }) => ({
          index,
          fence,
          outputs: [...outputs],
          amount,
          receipt,
        })),
      }
    case 'finalised':
      return { message: `Paid ${plural(event.attempts.length, 'task')}.` }
    case 'overturned':
      return {
        message: `Overturned ${plural(event.attempts.length, 'task')}; not charged.`,
        tasks: [...event.attempts],
      }
    case 'lost':
      return {
        message: `Lost ${plural(event.attempts.length, 'attempt')} with the machine; the tasks go to others.`,
        tasks: [...event.attempts],
      }
    case 'failed':
      return { message: event.attempts[0]?.problem.message ?? 'Failed.', tasks: [...event.attempts] }
    case 'cancelled-attempts':
      return { message: `Stopped ${plural(event.attempts.length, 'attempt')}.`, tasks: [...event.attempts] }
    case 'abandoned':
      return { message: event.problem.message, tasks: event.tasks.map((index) => ({ index })), problem: event.problem }
    case 'resized':
      return { message: `The tenant wants ${plural(event.resize.record.slots, 'slot')} from now on.` }
    case 'cancel-requested':
      return { message: 'The tenant cancelled the job.' }
    case 'withdrawn':
      return {
        message: `Withdrew ${plural(event.tasks.length, 'task')} that had not started.`,
        tasks: event.tasks.map((index) => ({ index })),
      }
    case 'closed':
      return {
        message: `Job ${event.outcome}; ${formatUsd(job.paid)} charged, ${formatUsd(event.refund)} returned.`,
        outcome: event.outcome,
      }
  }
}

/** The tenant's view of an event; `job` is the job after it. */
export const describeEvent = (job: Job, version: number, event: JobEvent): TimelineEvent => ({
  version,
  at: event.at,
  type: event.type,
  counts: { ...job.counts },
  ...detail(job, event),
})
