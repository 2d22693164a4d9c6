import { z } from 'zod'
import { priceUnits } from '../money/price.ts'
import { nameSchema, timeSchema } from '../resource/resources.ts'
import { slotKindSchema } from '../resource/slot-kind.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})
const hourMs = 3_600_000

/** Nano-dollars for one unit, not whole ones: an hour of a GPU or of a core, an operator, or a task. */
const unitPriceSchema = z.number().min(0)

const priceFigureSchema = z.strictObject({
  price: unitPriceSchema,
  /** Holds the price with 90 % probability. */
  low: unitPriceSchema,
  high: unitPriceSchema,
  /** Units traded. */
  volume: z.number().min(0),
  /** Each counted once for each hour in which it was paid. */
  leases: z.int().min(1),
  providers: z.int().min(1),
  tenants: z.int().min(1),
  /** Pairs of a provider and a tenant whose price was left out. */
  outliers: z.int().min(0),
})

const priceIndexSchema = z.strictObject({
  /** The window, wall-clock ms. */
  from: timeSchema,
  to: timeSchema,
  computedAt: timeSchema,
  prices: z.array(
    z.strictObject({
      kind: slotKindSchema,
      /** `null`: all regions together. */
      region: nameSchema.nullable(),
      per: z.enum(priceUnits),
      /** `null` where too few traded. */
      figure: priceFigureSchema.nullable(),
      /** The lowest price asked within the last two hours. */
      asked: unitPriceSchema.nullable(),
    }),
  ),
})
export type PriceIndex = z.output<typeof priceIndexSchema>

/** The most spans of a history. */
export const maxPriceSpans = 1_000

const historyQuerySchema = z
  .strictObject({
    kind: slotKindSchema,
    per: z.enum(priceUnits),
    /** Left out, all regions together. */
    region: nameSchema.optional(),
    step: z.enum(['hour', 'day']).default('day'),
    /** Left out, 30 spans before `to`. */
    from: z.coerce.number().pipe(timeSchema).optional(),
    /** Left out, the end of the newest hour that was added up. */
    to: z.coerce.number().pipe(timeSchema).optional(),
  })
  .refine(
    ({ step, from, to }) =>
      from === undefined || to === undefined || to - from <= maxPriceSpans * (step === 'day' ? 24 : 1) * hourMs,
    { path: ['from'], error: `expected at most ${maxPriceSpans} spans` },
  )
export type PriceHistoryQuery = z.output<typeof historyQuerySchema>

export const priceIndexRoute = defineRoute({
  method: 'GET',
  path: '/v1/prices',
  summary:
    'The public index: what was paid over the last seven days for each kind of slot and region, with an interval, where enough traded; and the lowest price asked.',
  auth: 'none',
  params: none,
  query: none,
  body: null,
  response: { json: priceIndexSchema },
  status: 200,
  errors: [],
  cacheSeconds: 60,
})

export const priceHistoryRoute = defineRoute({
  method: 'GET',
  path: '/v1/prices/history',
  summary: 'What was paid for one kind of slot, by the hour or by the day (UTC), by the same method as the index.',
  auth: 'none',
  params: none,
  query: historyQuerySchema,
  body: null,
  response: {
    json: z.strictObject({
      kind: slotKindSchema,
      per: z.enum(priceUnits),
      region: nameSchema.nullable(),
      step: z.enum(['hour', 'day']),
      computedAt: timeSchema,
      points: z.array(
        z.strictObject({
          /** When the span begins, wall-clock ms. */
          at: timeSchema,
          figure: priceFigureSchema.nullable(),
          asked: unitPriceSchema.nullable(),
        }),
      ),
    }),
  },
  status: 200,
  errors: [],
  cacheSeconds: 60,
})
export type PriceHistory = z.output<(typeof priceHistoryRoute)['response']['json']>

export const auditPricesRoute = defineRoute({
  method: 'GET',
  path: '/v1/admin/prices/audit',
  summary: 'Works out afresh from receipts what was traded, and compares it with what prices are made from.',
  auth: 'admin',
  admin: { roles: ['auditor'], records: [] },
  params: none,
  query: z.strictObject({ hours: z.coerce.number().int().min(1).max(9_600).default(168) }),
  body: null,
  response: {
    json: z.strictObject({
      hours: z.int(),
      trades: z.int(),
      /** Hours that were kept otherwise, wall-clock ms. */
      wrong: z.array(timeSchema),
    }),
  },
  status: 200,
  errors: [],
})
