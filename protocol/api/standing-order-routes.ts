import { z } from 'zod'
import { problemSchema } from '../error/problem.ts'
import { idSchema } from '../id/id.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { nanoUsdSchema, nonNegativeNanoUsdSchema } from '../money/money.ts'
import { signedOrderSchema } from '../order/order.ts'
import { nameSchema, timeSchema } from '../resource/resources.ts'
import {
  maxSignedOrders,
  standingEnds,
  standingEventSchema,
  standingTermsSchema,
} from '../standing-order/standing-order.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})
const orderParams = z.strictObject({ order: idSchema('standing-order') })

const standingOrderViewSchema = z.strictObject({
  id: idSchema('standing-order'),
  /** `null` where it was erased. */
  name: nameSchema.nullable(),
  phase: z.enum(['open', 'ended']),
  ended: z.enum(standingEnds).nullable(),
  terms: standingTermsSchema,
  slots: z.int().min(1),
  /** The ceiling of each of its jobs. */
  ceiling: nonNegativeNanoUsdSchema,
  /** Jobs that were made. */
  runs: z.int().min(0),
  /** The job under way. */
  job: idSchema('job').nullable(),
  /** What the jobs that are over cost. */
  charged: nanoUsdSchema,
  /** Why the last try to make a job failed, until one is made. */
  problem: problemSchema.nullable(),
  /** Why the supply cannot take it, where that is what it waits for, as of the last look at it. */
  wait: z.strictObject({ problem: problemSchema, lookedAt: timeSchema }).nullable().default(null),
  /** No job before this time. */
  notBefore: timeSchema,
  placedAt: timeSchema,
  updatedAt: timeSchema,
})
export type StandingOrderView = z.output<typeof standingOrderViewSchema>

export const placeStandingOrderRoute = defineRoute({
  method: 'POST',
  path: '/v1/standing-orders',
  summary:
    'Place a standing order: a spec that becomes a job when the supply can take it. An `idempotency-key`, the order’s own id, makes the call safe to repeat.',
  auth: 'tenant',
  params: none,
  query: none,
  body: z.strictObject({
    spec: jobSpecSchema,
    terms: standingTermsSchema,
    /** Of a tenant that signs its own orders: one for each job, in turn. */
    orders: z.array(signedOrderSchema).max(maxSignedOrders).default([]),
  }),
  response: { json: standingOrderViewSchema },
  status: 201,
  errors: [
    'spec_invalid',
    'program_refused',
    'blob_missing',
    'record_invalid',
    'record_expired',
    'clock_skewed',
    'signature_invalid',
    'order_replayed',
    'conflict',
    'forbidden',
    'unavailable',
  ],
})

export const listStandingOrdersRoute = defineRoute({
  method: 'GET',
  path: '/v1/standing-orders',
  summary: 'Your standing orders, newest first.',
  auth: 'tenant',
  params: none,
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(100).default(50),
    before: idSchema('standing-order').optional(),
  }),
  body: null,
  response: { json: z.strictObject({ orders: z.array(standingOrderViewSchema) }) },
  status: 200,
  errors: [],
})

export const getStandingOrderRoute = defineRoute({
  method: 'GET',
  path: '/v1/standing-orders/{order}',
  summary: 'One standing order.',
  auth: 'tenant',
  params: orderParams,
  query: none,
  body: null,
  response: { json: standingOrderViewSchema },
  status: 200,
  errors: ['not_found'],
})

export const standingOrderEventsRoute = defineRoute({
  method: 'GET',
  path: '/v1/standing-orders/{order}/events',
  summary: 'What happened to a standing order, in order; `after` is the number of the last event before.',
  auth: 'tenant',
  params: orderParams,
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(1_000).default(100),
    after: z.coerce.number().int().min(0).default(0),
  }),
  body: null,
  response: {
    json: z.strictObject({
      events: z.array(z.strictObject({ number: z.int().min(1), event: standingEventSchema })),
    }),
  },
  status: 200,
  errors: ['not_found'],
})
export type NumberedStandingEvent = z.output<(typeof standingOrderEventsRoute)['response']['json']>['events'][number]

export const cancelStandingOrderRoute = defineRoute({
  method: 'POST',
  path: '/v1/standing-orders/{order}/cancel',
  summary: 'End a standing order: it makes no more jobs. One that is under way goes on.',
  auth: 'tenant',
  params: orderParams,
  query: none,
  body: null,
  response: { json: standingOrderViewSchema },
  status: 200,
  errors: ['not_found'],
})
