import { z } from 'zod'
import { cidSchema } from '../digest/cid.ts'
import { hexSchema } from '../digest/hex.ts'
import { problemSchema } from '../error/problem.ts'
import { idSchema } from '../id/id.ts'
import { limitsSchema } from '../job/job-spec.ts'
import { standings } from '../ledger/standing.ts'
import { leaseDemandSchema } from '../lease/lease-term.ts'
import { nanoUsdSchema, nonNegativeNanoUsdSchema } from '../money/money.ts'
import { priceSchema } from '../money/price.ts'
import { signedOfferSchema } from '../offer/offer.ts'
import { awardSchema, placementSchema } from '../order/order.ts'
import { resourceDemandSchema } from '../resource/resource-demand.ts'
import { runtimeKindSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { denialNoticeSchema } from './denial.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})
/** What people call a tenant or a key: a line of text. */
const labelSchema = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u)

export const marketRoute = defineRoute({
  method: 'GET',
  path: '/v1/market',
  summary: 'Who this market is: its address, network, version and clock.',
  auth: 'none',
  params: none,
  query: none,
  body: null,
  response: {
    json: z.strictObject({
      address: addressSchema,
      chainId: z.int(),
      version: z.string(),
      now: timeSchema,
      maxBlobBytes: z.int(),
      linkedAgents: z.int(),
      /** What the market keeps of a payment, in hundredths of a percent. */
      feeBasisPoints: z.int().min(0),
    }),
  },
  status: 200,
  errors: [],
})

export const accountRoute = defineRoute({
  method: 'GET',
  path: '/v1/account',
  summary: 'The calling tenant: its key, balance, what is in escrow, and how long both last.',
  auth: 'tenant',
  params: none,
  query: none,
  body: null,
  response: {
    json: z.strictObject({
      tenant: idSchema('tenant'),
      /** Of the tenant's own key; null where the market signs for it. */
      address: addressSchema.nullable(),
      custody: z.enum(['tenant', 'market']),
      balance: nanoUsdSchema,
      escrow: nanoUsdSchema,
      /** What is being spent, in nano-dollars an hour. */
      burn: nanoUsdSchema,
      /** How long balance and escrow last at that, in ms; null where nothing is being spent. */
      runwayMs: z.int().min(0).nullable(),
      standing: z.enum(standings),
      /** The warning threshold that the runway fell below, in ms. */
      belowMs: z.int().nullable(),
      /** When the grace period ends, where balance and escrow are used up. */
      graceUntil: timeSchema.nullable(),
      /** Why the market denies the tenant, where it does. */
      denied: denialNoticeSchema.nullable().default(null),
    }),
  },
  status: 200,
  errors: [],
})

export const listOffersRoute = defineRoute({
  method: 'GET',
  path: '/v1/offers',
  summary:
    'The standing offers of linked agents, each signed by its provider, with the slots believed free now, cheapest first.',
  auth: 'none',
  params: none,
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(200) }),
  body: null,
  response: { json: z.strictObject({ offers: z.array(signedOfferSchema.extend({ free: z.int().min(0) })) }) },
  status: 200,
  errors: [],
  // A thousand of them are half a megabyte, of which other nodes are asked for theirs.
  weight: 50,
})

/** Nano-dollars, and how they come about; null where there is no end to it. */
const effectivePriceSchema = z.strictObject({
  nanoUsd: z.number().nullable(),
  base: z.number(),
  overhead: z.number().nullable(),
  starts: z.number().nullable(),
  transfer: z.number().nullable(),
  checkpoint: z.number().nullable(),
})

/** An offer that does not fit, with each requirement it fails. */
export const nearMissSchema = z.strictObject({
  offer: idSchema('offer'),
  provider: addressSchema,
  failed: z.array(z.strictObject({ requirement: z.string(), expected: z.string(), found: z.string() })),
})
export type NearMiss = z.output<typeof nearMissSchema>

export const matchRoute = defineRoute({
  method: 'POST',
  path: '/v1/offers/match',
  summary:
    'What would fit an order, without submitting it; where nothing does, the nearest offers and what each one fails.',
  auth: 'none',
  params: none,
  query: none,
  body: z.strictObject({
    slots: z.int().min(1).max(10_000),
    resources: resourceDemandSchema,
    runtime: runtimeKindSchema,
    placement: placementSchema,
    lease: leaseDemandSchema.exactOptional(),
    /** How long one task may take: where `lease` does not say how long leases last, they last for some tasks at least. */
    taskTimeoutMs: limitsSchema.shape.taskTimeoutMs,
    maxPrice: priceSchema,
    /** By which rule to order the offers; by price where it is left out. */
    award: awardSchema.exactOptional(),
    /** The program of the tasks, whose times `effective` knows where somebody ran it. */
    program: cidSchema.nullable().exactOptional(),
  }),
  response: {
    json: z.strictObject({
      slots: z.int(),
      offers: z.array(signedOfferSchema),
      /** Of each offer, in their order, where the rule is `effective`: what a finished task is expected to cost there. */
      effective: z.array(effectivePriceSchema).default([]),
      problem: problemSchema.nullable(),
    }),
  },
  status: 200,
  errors: [],
  // Ten thousand slots are counted in 20 ms; whoever has jobs for several markets asks once for each.
  weight: 20,
})

export const createTenantRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/tenants',
  summary:
    'Create a tenant with a first API key, shown this once. Without an address the market signs its orders for it.',
  auth: 'admin',
  admin: { roles: [], records: ['address'] },
  params: none,
  query: none,
  body: z.strictObject({ name: labelSchema, address: addressSchema.optional() }),
  response: {
    json: z.strictObject({ tenant: idSchema('tenant'), address: addressSchema.nullable(), apiKey: z.string() }),
  },
  status: 201,
  errors: [],
})

export const depositRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/deposits',
  summary:
    'Book money received: into a tenant’s balance, a provider’s stake, or what the market has for refunds of its own (`fees`). With an `Idempotency-Key` (an id of an entry of your making) a repeated call books once.',
  auth: 'admin',
  admin: { roles: [], records: ['to', 'amount'] },
  params: none,
  query: none,
  body: z.strictObject({
    to: z.discriminatedUnion('account', [
      z.strictObject({ account: z.literal('tenant'), tenant: idSchema('tenant') }),
      z.strictObject({ account: z.literal('stake'), provider: addressSchema }),
      z.strictObject({ account: z.literal('fees') }),
    ]),
    amount: nonNegativeNanoUsdSchema,
  }),
  response: { json: z.strictObject({ balance: nanoUsdSchema }) },
  status: 201,
  errors: ['not_found', 'conflict'],
})

export const createKeyRoute = defineRoute({
  method: 'POST',
  path: '/v1/keys',
  summary: 'Another API key for the calling tenant, shown this once.',
  auth: 'tenant',
  params: none,
  query: none,
  body: z.strictObject({ name: labelSchema }),
  response: { json: z.strictObject({ key: idSchema('key'), apiKey: z.string() }) },
  status: 201,
  errors: [],
})

export const revokeKeyRoute = defineRoute({
  method: 'DELETE',
  path: '/v1/keys/{key}',
  summary: 'Revoke an API key of the calling tenant.',
  auth: 'tenant',
  params: z.strictObject({ key: idSchema('key') }),
  query: none,
  body: null,
  response: { json: none },
  status: 200,
  errors: ['not_found'],
})

export const providerRoute = defineRoute({
  method: 'GET',
  path: '/v1/providers/{provider}',
  summary:
    'What the market knows of a provider: stake, earnings, whether it is linked, and when something was last heard of it.',
  auth: 'none',
  params: z.strictObject({ provider: addressSchema }),
  query: none,
  body: null,
  response: {
    json: z.strictObject({
      provider: addressSchema,
      linked: z.boolean(),
      lastSeenAt: timeSchema,
      stake: nanoUsdSchema,
      earnings: nanoUsdSchema,
      /** Why the market denies the provider, or the region of its offers, where it does. */
      denied: denialNoticeSchema.nullable().default(null),
    }),
  },
  status: 200,
  errors: ['not_found'],
})

export const challengeRoute = defineRoute({
  method: 'POST',
  path: '/v1/agent/challenge',
  summary: 'A challenge for an agent to sign before it opens a link socket.',
  auth: 'none',
  params: none,
  query: none,
  body: z.strictObject({ provider: addressSchema }),
  response: {
    json: z.strictObject({ challenge: hexSchema(32), market: addressSchema, chainId: z.int(), at: timeSchema }),
  },
  status: 201,
  errors: ['rate_limited'],
})
