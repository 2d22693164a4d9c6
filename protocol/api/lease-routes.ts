import { z } from 'zod'
import { digestSchema } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { agreedAmendmentSchema } from '../lease/amendment.ts'
import { closeReasons } from '../lease/lease-state.ts'
import { leaseKindSchema } from '../lease/lease-term.ts'
import { signedLeaseSchema } from '../lease/lease.ts'
import { signedResizeSchema } from '../order/resize.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})
const jobParams = z.strictObject({ job: idSchema('job') })

/** A lease of a job as it is now, with the records both sides signed. */
export const leaseViewSchema = z.strictObject({
  id: idSchema('lease'),
  provider: addressSchema,
  kind: leaseKindSchema,
  phase: z.enum(['open', 'suspect', 'closed']),
  slots: z.int(),
  /** When it ends by itself. */
  until: timeSchema,
  /** Where the provider takes it back: since when that is known, and when it does. */
  notice: z.strictObject({ at: timeSchema, endsAt: timeSchema, takesWork: z.boolean() }).nullable(),
  /** The provider ended it otherwise than its term allows. */
  isBroken: z.boolean(),
  closed: z.enum(closeReasons).nullable(),
  lease: signedLeaseSchema,
  amendments: z.array(agreedAmendmentSchema),
})
export type LeaseView = z.output<typeof leaseViewSchema>

export const jobLeasesSchema = z.strictObject({
  /** Digest of the job's order: what a resize is of. */
  order: digestSchema,
  /** Slots the job wants at once. */
  slots: z.int(),
  /** How often that was changed. */
  resizes: z.int(),
  /** Oldest first. */
  leases: z.array(leaseViewSchema),
})
export type JobLeases = z.output<typeof jobLeasesSchema>

export const listLeasesRoute = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{job}/leases',
  summary: 'The leases of a job, and how many slots it wants.',
  auth: 'tenant',
  params: jobParams,
  query: none,
  body: null,
  response: { json: jobLeasesSchema },
  status: 200,
  errors: ['not_found'],
})

export const extendLeaseRoute = defineRoute({
  method: 'POST',
  path: '/v1/jobs/{job}/leases/{lease}/extend',
  summary:
    'Have a lease last until a later time, at its price, if its provider agrees. A lease that lasts as long already stays as it is.',
  auth: 'tenant',
  params: jobParams.extend({ lease: idSchema('lease') }),
  query: none,
  body: z.strictObject({ until: timeSchema }),
  response: { json: leaseViewSchema },
  status: 200,
  errors: ['not_found', 'lease_closed', 'conflict', 'capacity_taken', 'unavailable', 'request_invalid'],
})

export const resizeJobRoute = defineRoute({
  method: 'PUT',
  path: '/v1/jobs/{job}/slots',
  summary:
    'How many slots a job wants at once from now on: signed by the tenant, or without a signature where the market keeps the key.',
  auth: 'tenant',
  params: jobParams,
  query: none,
  body: z.strictObject({ slots: z.int().min(1).max(10_000), resize: signedResizeSchema.optional() }),
  response: { json: jobLeasesSchema },
  status: 200,
  errors: ['not_found', 'conflict', 'signature_invalid', 'record_invalid', 'request_invalid'],
})
