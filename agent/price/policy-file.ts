import {
  addressSchema,
  amountSchema,
  durationSchema,
  idSchema,
  leaseKinds,
  leaseKindSchema,
  maxNoticeMs,
  maxTermMs,
  nameSchema,
  priceUnits,
  runtimeKinds,
  runtimeKindSchema,
  type PriceUnit,
} from '@muster/protocol'
import { z } from 'zod'
import { weekdays } from './price-policy.ts'
import { factorSchema, shareSchema } from './written-factors.ts'

/** What a map says of all that it does not name. */
export const other = 'other'

/** An address in any case: wallets print it with capitals. */
const anyCaseAddress = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(addressSchema)

const marketKeySchema = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => text === other || addressSchema.safeParse(text).success, {
    error: 'expected the address of a market, or other',
  })

const clockSchema = (last: string, expected: string) =>
  z
    .string({ error: `expected ${expected}` })
    .regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, { error: `expected ${expected}` })
    .refine((text) => text <= last, { error: `expected ${expected}` })

const timeRuleSchema = z
  .strictObject({
    days: z
      .array(z.enum(weekdays))
      .min(1)
      .default([...weekdays])
      .meta({ description: 'The days on which the range begins. Default: all.' }),
    from: clockSchema('23:59', 'a time of day such as 22:00').default('00:00'),
    to: clockSchema('24:00', 'a time of day such as 06:00, or 24:00').default('24:00'),
    factor: factorSchema,
  })
  .refine(({ from, to }) => from !== to, {
    path: ['to'],
    error: 'expected another time than from; leave both out for the whole day',
  })

const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const amounts = (of: readonly PriceUnit[]) =>
  z.strictObject(
    Object.fromEntries(of.map((unit) => [unit, amountSchema.optional()])) as Record<
      PriceUnit,
      z.ZodOptional<typeof amountSchema>
    >,
  )

const runtimeSchema = amounts(priceUnits).refine(
  (prices) => Object.values(prices).some((price) => price !== undefined),
  {
    error: `expected a price by ${priceUnits.join(', ')}`,
  },
)

const within = (least: number, most: number, expected: string) =>
  durationSchema.refine((ms) => ms >= least && ms <= most, { error: `expected ${expected}` })

const longestTerm = 'a time from 1s to 366d'
const leaseSchema = z
  .strictObject({
    factor: factorSchema.prefault(1),
    notice: within(1_000, maxNoticeMs, 'a time from 1s to 720h')
      .optional()
      .meta({ description: 'With which you end a spot lease. Default: 30s.' }),
    min: within(0, maxTermMs, 'a time up to 366d').prefault('0s').meta({ description: 'The shortest lease.' }),
    max: within(1_000, maxTermMs, longestTerm).prefault('366d').meta({ description: 'The longest lease.' }),
  })
  .refine(({ min, max }) => min <= max, { path: ['max'], error: 'expected no less than min' })

const listsSchema = z
  .strictObject({
    markets: z.array(anyCaseAddress).default([]),
    tenants: z.array(idSchema('tenant')).default([]),
    tenantRegions: z.array(nameSchema).default([]),
    runtimes: z.array(runtimeKindSchema).default([]),
  })
  .prefault({})

/** A pricing policy as people write it, in YAML or JSON: docs/spec/pricing.md. */
export const policyFileSchema = z
  .strictObject({
    apiVersion: z.literal('muster/v1'),
    kind: z.literal('prices'),
    timeZone: z
      .string()
      .refine(isZone, { error: 'expected a time zone such as Europe/Berlin' })
      .default('UTC')
      .meta({ description: 'The zone whose wall clock `times` are of, by its IANA name.' }),
    resources: z
      .strictObject({
        coreHour: amountSchema.prefault(0),
        memoryGiBHour: amountSchema.prefault(0),
        diskGiBHour: amountSchema.prefault(0),
        gpuHour: z
          .record(z.string().min(1).max(80), amountSchema)
          .default({})
          .meta({ description: 'By model: words of its name, such as H100; `other` for all that are not named.' }),
      })
      .prefault({})
      .meta({ description: 'What an hour of a slot costs by what is in it; part of prices by the hour only.' }),
    runtimes: z
      .partialRecord(runtimeKindSchema, runtimeSchema)
      .refine((prices) => Object.keys(prices).length > 0, {
        error: `expected a price for ${runtimeKinds.join(' or ')}`,
      })
      .meta({ description: 'The price of each runtime that is sold, by unit; `hour` is on top of `resources`.' }),
    utilisation: z
      .array(z.strictObject({ sold: shareSchema, factor: factorSchema }))
      .max(100)
      .refine(
        (points) => points.every(({ sold }, at) => at === 0 || sold.numerator > (points[at - 1]?.sold.numerator ?? 0n)),
        {
          error: 'expected shares that grow from each point to the next',
          when: ({ issues }) => issues.length === 0,
        },
      )
      .default([])
      .meta({ description: 'A factor by the share of slots that are leased: straight lines between these points.' }),
    times: z
      .array(timeRuleSchema)
      .max(100)
      .default([])
      .meta({ description: 'Factors at times of the wall clock; the first that is in force counts.' }),
    leases: z
      .partialRecord(leaseKindSchema, leaseSchema)
      .refine((leases) => Object.keys(leases).length > 0, { error: `expected ${leaseKinds.join(', ')}` })
      .optional()
      .meta({
        description:
          'The kinds of lease you sell: on-demand; spot, which you may end with notice; reserved, which you do not end before its term. Default: on-demand.',
      }),
    markUp: z
      .record(marketKeySchema, factorSchema)
      .default({})
      .meta({ description: 'A factor for each market by its address; `other` for all that are not named.' }),
    minimum: amounts(priceUnits).prefault({}).meta({ description: 'By unit: no price is ever lower.' }),
    allow: listsSchema.meta({ description: 'Who is served; an empty list is everybody.' }),
    deny: listsSchema.meta({ description: 'Who is not served, whatever `allow` says.' }),
  })
  .meta({ title: 'Muster prices', description: 'The pricing policy of a provider: muster/v1.' })

export type PolicyFile = z.output<typeof policyFileSchema>

/** The JSON Schema of a pricing policy, as docs/spec/prices.schema.json publishes it for editors. */
export const policySchemaText = (): string =>
  `${JSON.stringify(z.toJSONSchema(policyFileSchema, { io: 'input', target: 'draft-2020-12' }), undefined, 2)}\n`
