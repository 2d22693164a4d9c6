import { z } from 'zod'
import { auctionTermsSchema } from '../auction/auction-terms.ts'
import { namedBlobSchema } from '../claim/claim.ts'
import { cidSchema } from '../digest/cid.ts'
import { hexSchema } from '../digest/hex.ts'
import { leaseDemandSchema } from '../lease/lease-term.ts'
import { nonNegativeNanoUsdSchema } from '../money/money.ts'
import { priceSchema } from '../money/price.ts'
import { awardSchema, placementSchema } from '../order/order.ts'
import { resourceDemandSchema } from '../resource/resource-demand.ts'
import { nameSchema, runtimeKindSchema } from '../resource/resources.ts'

export const maxTasks = 10_000

export const taskSpecSchema = z.strictObject({ inputs: z.array(namedBlobSchema).max(64) })
export type TaskSpec = z.output<typeof taskSpecSchema>

export const limitsSchema = z.strictObject({
  /** Wall time of one attempt, from its start on the slot. */
  taskTimeoutMs: z.int().min(10).max(86_400_000).default(600_000),
  /** Failures of one task, on different providers where there are any, before it is given up. */
  maxFailures: z.int().min(1).max(20).default(3),
})

/** A batch job as the API takes it: `muster/v1`, complete, in base units. */
export const jobSpecSchema = z
  .strictObject({
    apiVersion: z.literal('muster/v1'),
    kind: z.literal('batch'),
    name: nameSchema,
    /** Hides the name in what is signed (`commitSpec`): random, and needed where the tenant signs the order. */
    nameSalt: hexSchema(32).optional(),
    runtime: runtimeKindSchema,
    /** CID of a published program's manifest; `null` for the runtime `noop`. */
    program: cidSchema.nullable(),
    tasks: z.array(taskSpecSchema).min(1).max(maxTasks),
    /** Slots wanted at once; the job gets at most this many. */
    slots: z.int().min(1).max(10_000),
    resources: resourceDemandSchema,
    placement: placementSchema.default({
      regions: [],
      countries: [],
      providers: [],
      excludeProviders: [],
      attributes: {},
    }),
    award: awardSchema.default('lowest'),
    /** Sealed bids; left out, standing offers are taken at once. */
    auction: auctionTermsSchema.exactOptional(),
    /** Left out: on demand, as long as the market's leases last. */
    lease: leaseDemandSchema.exactOptional(),
    maxPrice: priceSchema,
    /** The most the whole job may cost: held in escrow, the rest returned. */
    ceiling: nonNegativeNanoUsdSchema,
    limits: limitsSchema.default({ taskTimeoutMs: 600_000, maxFailures: 3 }),
    verify: z.enum(['none']).default('none'),
  })
  .refine((spec) => (spec.runtime === 'graph') === (spec.program !== null), {
    path: ['program'],
    when: ({ value }) => typeof value === 'object' && value !== null,
    error: 'expected a program for the runtime graph, and null for any other',
  })

export type JobSpec = z.output<typeof jobSpecSchema>
