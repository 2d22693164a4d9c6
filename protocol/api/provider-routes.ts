import { z } from 'zod'
import { maintenanceSchema } from '../lease/maintenance.ts'
import { benchmarkEntrySchema } from '../benchmark/benchmark-entry.ts'
import { machineStandingSchema } from '../benchmark/machine-standing.ts'
import { recordFigureSchema } from '../record/describe-record.ts'
import { observationSchema } from '../record/observation.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { defineRoute } from './route.ts'

const none = z.strictObject({})

/** One line of the list: what to expect of a provider. */
export const providerSummarySchema = z.strictObject({
  provider: addressSchema,
  linked: z.boolean(),
  lastSeenAt: timeSchema,
  /** Observations its figures rest on; without any they are those of an unknown machine. */
  observations: z.int().min(0),
  refusal: z.number(),
  hazardPerHour: z.number(),
  success: z.number(),
  startFactor: z.number(),
  durationFactor: z.number(),
  /** As measured, of a slot; null of one that is not linked to this node, or was never measured. */
  gflops: z.number().nullable().default(null),
  /** Whether it gave the pinned outputs; null where it is not known here. */
  reproduces: z.boolean().nullable().default(null),
})
export type ProviderSummary = z.output<typeof providerSummarySchema>

export const listProvidersRoute = defineRoute({
  method: 'GET',
  path: '/v1/providers',
  summary:
    'The providers that were ever linked, by address, with what to expect of each; `after` is the last one before.',
  auth: 'none',
  params: none,
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(100).default(50),
    after: addressSchema.optional(),
  }),
  body: null,
  response: { json: z.strictObject({ providers: z.array(providerSummarySchema) }) },
  status: 200,
  errors: [],
})

export const providerRecordRoute = defineRoute({
  method: 'GET',
  path: '/v1/providers/{provider}/record',
  summary:
    'The public record of a provider: every figure with its credible interval, prior, evidence, half-life and formula, and the newest observations.',
  auth: 'none',
  params: z.strictObject({ provider: addressSchema }),
  query: none,
  body: null,
  response: {
    json: z.strictObject({
      provider: addressSchema,
      linked: z.boolean(),
      firstSeenAt: timeSchema,
      lastSeenAt: timeSchema,
      computedAt: timeSchema,
      /** When its machine is announced not to be had, as far as it is linked. */
      maintenance: z.array(maintenanceSchema).default([]),
      /** The probability that an interval holds the value. */
      credibility: z.number(),
      /** Observations counted, and the most that are. */
      observations: z.int().min(0),
      mostObservations: z.int().min(1),
      figures: z.array(recordFigureSchema),
      /** Newest first. */
      newest: z.array(observationSchema),
      /** What follows from what its machine showed; null where it was never measured. */
      machine: machineStandingSchema.nullable().default(null),
      /** What it showed when it was challenged, newest first. */
      benchmarks: z.array(benchmarkEntrySchema).default([]),
    }),
  },
  status: 200,
  errors: ['not_found'],
})
export type ProviderRecordView = z.output<(typeof providerRecordRoute)['response']['json']>
