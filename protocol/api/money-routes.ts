import { z } from 'zod'
import { hexSchema } from '../digest/hex.ts'
import { idSchema } from '../id/id.ts'
import { auditReportSchema } from '../ledger/audit.ts'
import { accountNoticeSchema } from '../ledger/standing.ts'
import { signedStatementRequestSchema, statementSchema } from '../ledger/statement.ts'
import { nanoUsdSchema, nonNegativeNanoUsdSchema } from '../money/money.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})

export const runwayRoute = defineRoute({
  method: 'GET',
  path: '/v1/account/runway',
  summary:
    'How long the money of the calling tenant lasts if the spending goes on as it is now, and which jobs spend it. Runway is (balance + escrow) ÷ burn.',
  auth: 'tenant',
  params: none,
  query: none,
  body: null,
  response: {
    json: z.strictObject({
      balance: nanoUsdSchema,
      escrow: nanoUsdSchema,
      /** Nano-dollars an hour, over all jobs. */
      burn: nanoUsdSchema,
      /** null where nothing is being spent. */
      runwayMs: z.int().min(0).nullable(),
      /** The runways at which the account is told, in ms, longest first. */
      warnBelowMs: z.array(z.int()),
      /** How long uploads go on once balance and escrow are used up, in ms. */
      graceMs: z.int(),
      /** Jobs that are not closed, the one that spends most first. */
      jobs: z.array(
        z.strictObject({
          job: idSchema('job'),
          name: z.string().nullable(),
          /** Nano-dollars an hour. */
          burn: nanoUsdSchema,
          escrow: nanoUsdSchema,
          /** What of the escrow the job is expected to spend; the rest comes back. */
          expected: nanoUsdSchema,
        }),
      ),
    }),
  },
  status: 200,
  errors: [],
})

export const accountEventsRoute = defineRoute({
  method: 'GET',
  path: '/v1/account/events',
  summary: 'What the calling tenant was told of its money: each change of standing, numbered from 1, oldest first.',
  auth: 'tenant',
  params: none,
  query: z.strictObject({
    after: z.coerce.number().int().min(0).default(0),
    limit: z.coerce.number().int().min(1).max(1000).default(200),
  }),
  body: null,
  response: { json: z.strictObject({ events: z.array(accountNoticeSchema) }) },
  status: 200,
  errors: [],
})

/** A sentence that is kept with an entry. */
const reasonSchema = z
  .string()
  .min(3)
  .max(500)
  .regex(/^\P{Cc}*$/u)

export const refundRoute = defineRoute({
  method: 'POST',
  path: '/v1/admin/refunds',
  summary:
    'Give money back to a tenant, with a reason: a whole receipt, which a reversing one undoes, taken from who was paid; or an amount for a job, taken from the market’s fees. Never more than was paid, and no receipt twice. With an `Idempotency-Key` (an id of an entry of your making) a repeated call refunds once.',
  auth: 'admin',
  admin: { roles: [], records: ['of'] },
  params: none,
  query: none,
  body: z.strictObject({
    of: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('receipt'), receipt: idSchema('receipt') }),
      z.strictObject({
        type: z.literal('amount'),
        job: idSchema('job'),
        amount: nonNegativeNanoUsdSchema.refine((amount) => amount > 0n, { error: 'expected an amount above zero' }),
      }),
    ]),
    reason: reasonSchema,
  }),
  response: {
    json: z.strictObject({
      entry: idSchema('entry'),
      job: idSchema('job'),
      tenant: idSchema('tenant'),
      amount: nanoUsdSchema,
      /** The receipt that reverses, where one was refunded. */
      reversal: idSchema('receipt').nullable(),
    }),
  },
  status: 201,
  errors: ['not_found', 'conflict', 'insufficient_funds'],
})

export const auditLedgerRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/ledger/audit',
  summary:
    'Work every balance out afresh from receipts, entries and jobs, and say what does not add up. Reads all there is.',
  auth: 'admin',
  admin: { roles: ['auditor'], records: [] },
  params: none,
  query: none,
  body: null,
  response: { json: auditReportSchema },
  status: 200,
  errors: [],
})

export const statementChallengeRoute = defineRoute({
  method: 'POST',
  path: '/v1/provider/challenge',
  summary: 'A challenge for a provider to sign in its request for a statement.',
  auth: 'none',
  params: none,
  query: none,
  body: z.strictObject({ provider: addressSchema }),
  response: {
    json: z.strictObject({ challenge: hexSchema(32), market: addressSchema, chainId: z.int(), at: timeSchema }),
  },
  status: 201,
  errors: [],
})

export const statementRoute = defineRoute({
  method: 'POST',
  path: '/v1/provider/statement',
  summary:
    'What a provider earned in a period, receipt by receipt and entry by entry, to whoever signs for it with the provider’s key.',
  auth: 'none',
  params: none,
  query: none,
  body: z.strictObject({ request: signedStatementRequestSchema }),
  response: { json: statementSchema },
  status: 200,
  errors: ['signature_invalid', 'record_expired', 'rate_limited'],
})
