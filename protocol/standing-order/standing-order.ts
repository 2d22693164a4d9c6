import { z } from 'zod'
import { problemSchema } from '../error/problem.ts'
import { idSchema } from '../id/id.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { nonNegativeNanoUsdSchema } from '../money/money.ts'
import { signedOrderSchema } from '../order/order.ts'
import { textSchema, timeSchema } from '../resource/resources.ts'

/** The most orders that a tenant with a key of its own signs beforehand. */
export const maxSignedOrders = 100
export const maxRuns = 10_000
const dayMs = 86_400_000
/** How long a standing order stands at most. */
export const maxStandingMs = 366 * dayMs

export const standingTermsSchema = z.strictObject({
  /** How many jobs it becomes, one after the other; `null` for as many as come about until it expires. */
  times: z.int().min(1).max(maxRuns).nullable().default(1),
  /** When it expires, wall-clock ms: no job begins after that. */
  until: timeSchema,
  /** How long after the end of one job the next may begin, in ms. */
  cooldownMs: z
    .int()
    .min(0)
    .max(30 * dayMs)
    .default(0),
  /** What its jobs may cost together, in nano-dollars; `null` for no more than each one's own ceiling. */
  atMost: nonNegativeNanoUsdSchema.nullable().default(null),
})
export type StandingTerms = z.output<typeof standingTermsSchema>

/** A spec that the market keeps and makes a job of when the supply can take it. */
export const standingOrderSchema = z.strictObject({
  id: idSchema('standing-order'),
  tenant: idSchema('tenant'),
  spec: jobSpecSchema,
  /** What its program is pinned to; empty where it has none. */
  execSpec: textSchema(80),
  terms: standingTermsSchema,
  /** Signed by the tenant beforehand, one for each job; none where the market keeps the tenant's key. */
  orders: z.array(signedOrderSchema).max(maxSignedOrders),
  placedAt: timeSchema,
})
export type StandingOrder = z.output<typeof standingOrderSchema>

/** Why a standing order is over: all its jobs were made, its time, its tenant, or its money. */
export const standingEnds = ['done', 'expired', 'cancelled', 'spent'] as const
export type StandingEnd = (typeof standingEnds)[number]

const runSchema = z.strictObject({
  /** Counted from 1. */
  number: z.int().min(1),
  /** When it was first decided: with the standing order's id it makes the job's. */
  decidedAt: timeSchema,
  /** Set once there is the job. */
  job: idSchema('job').nullable(),
})

/** How a standing order stands: the fold of its events. */
export const standingStateSchema = z.strictObject({
  /** Events so far. */
  version: z.int().min(1),
  ended: z.enum(standingEnds).nullable(),
  /** Jobs that were made. */
  runs: z.int().min(0),
  /** The one under way, decided on or made. */
  run: runSchema.nullable(),
  /** What the jobs that are over cost. */
  charged: nonNegativeNanoUsdSchema,
  /** No job before this time, after an end or a refusal. */
  notBefore: timeSchema,
  /** How often in a row the job could not be made, and why the last time. */
  refusals: z.int().min(0),
  problem: problemSchema.nullable(),
  updatedAt: timeSchema,
})
export type StandingState = z.output<typeof standingStateSchema>

const eventBase = { at: timeSchema }
const runNumber = z.int().min(1)

/** What happens to a standing order, in order: the timeline its tenant sees. */
export const standingEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ ...eventBase, type: z.literal('placed') }),
  /** The supply can take it: written before the job is made, so that one occasion makes one job. */
  z.strictObject({ ...eventBase, type: z.literal('decided'), run: runNumber }),
  z.strictObject({ ...eventBase, type: z.literal('ran'), run: runNumber, job: idSchema('job') }),
  /** The job was refused; it is tried again at `retryAt`. */
  z.strictObject({
    ...eventBase,
    type: z.literal('held'),
    run: runNumber,
    problem: problemSchema,
    retryAt: timeSchema,
  }),
  z.strictObject({
    ...eventBase,
    type: z.literal('finished'),
    run: runNumber,
    job: idSchema('job'),
    outcome: z.enum(['succeeded', 'failed', 'cancelled']),
    charged: nonNegativeNanoUsdSchema,
  }),
  z.strictObject({ ...eventBase, type: z.literal('ended'), reason: z.enum(standingEnds) }),
])
export type StandingEvent = z.output<typeof standingEventSchema>
