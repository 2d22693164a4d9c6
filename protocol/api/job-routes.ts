import { z } from 'zod'
import { namedBlobSchema, signedClaimSchema } from '../claim/claim.ts'
import { problemSchema } from '../error/problem.ts'
import { idSchema } from '../id/id.ts'
import { attemptIdSchema } from '../id/task-id.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { taskCountsSchema, timelineEventSchema } from '../job/timeline.ts'
import { agreedAmendmentSchema } from '../lease/amendment.ts'
import { signedLeaseSchema } from '../lease/lease.ts'
import { nanoUsdSchema } from '../money/money.ts'
import { signedResizeSchema } from '../order/resize.ts'
import { signedOrderSchema } from '../order/order.ts'
import { signedReceiptSchema } from '../receipt/receipt.ts'
import { signedReservationSchema } from '../reservation/reservation.ts'
import { nameSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})
const jobParams = z.strictObject({ job: idSchema('job') })

export const jobViewSchema = z.strictObject({
  id: idSchema('job'),
  /** `null` where it was erased. */
  name: nameSchema.nullable(),
  phase: z.enum(['active', 'closed']),
  outcome: z.enum(['succeeded', 'failed', 'cancelled']).nullable(),
  counts: taskCountsSchema,
  ceiling: nanoUsdSchema,
  charged: nanoUsdSchema,
  submittedAt: timeSchema,
  /** Why slots are missing, while they are. */
  unmatched: problemSchema.nullable(),
})
export type JobView = z.output<typeof jobViewSchema>

export const taskViewSchema = z.strictObject({
  index: z.int(),
  phase: z.enum(['waiting', 'running', 'accepted', 'final', 'abandoned', 'cancelled']),
  attempts: z.array(z.strictObject({ fence: z.int(), provider: addressSchema, phase: z.string() })),
  outputs: z.array(namedBlobSchema),
  amount: nanoUsdSchema.nullable(),
  problem: problemSchema.nullable(),
})
export type TaskView = z.output<typeof taskViewSchema>

/** A receipt with every signed record it rests on: checked offline, by anyone. */
export const receiptBundleSchema = z.strictObject({
  chainId: z.int().min(1),
  receipt: signedReceiptSchema,
  /** What of the amount the market keeps, and the ledger entry that moved both, as the market says; neither is signed. */
  fee: nanoUsdSchema.optional(),
  entry: idSchema('entry').nullable().optional(),
  claim: signedClaimSchema,
  lease: signedLeaseSchema,
  /** How both sides changed the lease, oldest first; absent where they did not. */
  amendments: z.array(agreedAmendmentSchema).exactOptional(),
  /** Where the lease has more slots than the order asks for: what asks for them. */
  resize: signedResizeSchema.exactOptional(),
  reservation: signedReservationSchema,
  order: signedOrderSchema,
})
export type ReceiptBundle = z.output<typeof receiptBundleSchema>

export const submitJobRoute = defineRoute({
  method: 'POST',
  path: '/v1/jobs',
  summary: 'Submit a job. With an order signed by the tenant, or without one where the market keeps the key.',
  auth: 'tenant',
  params: none,
  query: none,
  body: z.strictObject({ spec: jobSpecSchema, order: signedOrderSchema.optional() }),
  response: { json: jobViewSchema },
  status: 201,
  errors: [
    'spec_invalid',
    'signature_invalid',
    'record_expired',
    'order_replayed',
    'insufficient_funds',
    'blob_missing',
    'nothing_fits',
    'clock_skewed',
  ],
})

export const listJobsRoute = defineRoute({
  method: 'GET',
  path: '/v1/jobs',
  summary: 'The tenant’s jobs, newest first.',
  auth: 'tenant',
  params: none,
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(200).default(50),
    before: idSchema('job').optional(),
  }),
  body: null,
  response: { json: z.strictObject({ jobs: z.array(jobViewSchema) }) },
  status: 200,
  errors: [],
})

export const getJobRoute = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{job}',
  summary: 'One job.',
  auth: 'tenant',
  params: jobParams,
  query: none,
  body: null,
  response: { json: jobViewSchema },
  status: 200,
  errors: ['not_found'],
})

export const listTasksRoute = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{job}/tasks',
  summary: 'The tasks of a job with their attempts and outputs, by index.',
  auth: 'tenant',
  params: jobParams,
  query: z.strictObject({
    from: z.coerce.number().int().min(0).default(0),
    limit: z.coerce.number().int().min(1).max(1000).default(1000),
  }),
  body: null,
  response: { json: z.strictObject({ tasks: z.array(taskViewSchema) }) },
  status: 200,
  errors: ['not_found'],
})

export const watchJobRoute = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{job}/events',
  summary:
    'The job’s timeline as server-sent events, from its beginning or after `after` (or Last-Event-ID), until the job is closed.',
  auth: 'tenant',
  params: jobParams,
  query: z.strictObject({ after: z.coerce.number().int().min(0).default(0) }),
  body: null,
  response: { events: timelineEventSchema },
  status: 200,
  errors: ['not_found'],
})

export const cancelJobRoute = defineRoute({
  method: 'POST',
  path: '/v1/jobs/{job}/cancel',
  summary: 'Cancel a job: what has not started is withdrawn, what runs is stopped, what is accepted stays paid.',
  auth: 'tenant',
  params: jobParams,
  query: none,
  body: null,
  response: { json: jobViewSchema },
  status: 200,
  errors: ['not_found'],
})

export const listReceiptsRoute = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{job}/receipts',
  summary: 'The receipts of a job, each with the records it rests on.',
  auth: 'tenant',
  params: jobParams,
  query: z.strictObject({
    after: idSchema('receipt').optional(),
    limit: z.coerce.number().int().min(1).max(1000).default(500),
  }),
  body: null,
  response: { json: z.strictObject({ receipts: z.array(receiptBundleSchema) }) },
  status: 200,
  errors: ['not_found'],
})

export const attemptLogsRoute = defineRoute({
  method: 'GET',
  path: '/v1/attempts/{attempt}/logs',
  summary: 'What an attempt wrote, as long as its agent is linked and holds it.',
  auth: 'tenant',
  params: z.strictObject({ attempt: attemptIdSchema }),
  query: none,
  body: null,
  response: { json: z.strictObject({ lines: z.array(z.string()) }) },
  status: 200,
  errors: ['not_found', 'unavailable'],
})
