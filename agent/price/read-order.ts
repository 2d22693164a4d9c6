import {
  coresSchema,
  explainIssues,
  jobSpecSchema,
  leaseKindSchema,
  MusterError,
  orderSchema,
  runtimeKindSchema,
  sayIssues,
  sizeSchema,
  writtenPriceSchema,
  type Address,
  type LeaseKind,
  type Order,
} from '@muster/protocol'
import { z } from 'zod'
import type { QuotedOrder } from './quote.ts'
import { readYaml } from './read-yaml.ts'

/** What a file says of an order, as far as its price depends on it. */
export interface FoundOrder {
  readonly order: QuotedOrder
  readonly slots: number
  /** `null` for a job that has not been submitted. */
  readonly market: Address | null
}

const countSchema = z.int().min(0).max(1024)
const gpuSchema = z.union([
  countSchema.transform((count) => ({ count, models: [] as string[] })),
  z.object({ count: countSchema.default(1), models: z.array(z.string()).default([]) }),
])

/** A job file (docs/spec/job.schema.json): only what a price depends on is read. */
const jobFileSchema = z.object({
  apiVersion: z.literal('muster/v1'),
  runtime: runtimeKindSchema.optional(),
  program: z.string().optional(),
  tasks: z.unknown().optional(),
  slots: z.int().min(1).max(10_000).optional(),
  resources: z
    .object({
      cpu: coresSchema.default(1000),
      memory: sizeSchema.default(2 ** 29),
      disk: sizeSchema.default(0),
      gpu: gpuSchema.prefault(0),
    })
    .prefault({}),
  lease: z.object({ kind: leaseKindSchema }).optional(),
  maxPrice: writtenPriceSchema,
})

const defaultSlots = 64

const countTasks = (tasks: unknown): number => {
  if (Array.isArray(tasks)) return Math.max(1, tasks.length)
  const count = typeof tasks === 'object' && tasks !== null && 'count' in tasks ? tasks.count : 1
  return typeof count === 'number' && Number.isSafeInteger(count) && count > 0 ? count : 1
}

type Demand = Pick<Order, 'runtime' | 'resources' | 'maxPrice' | 'slots'> & {
  readonly lease?: { readonly kind: LeaseKind } | undefined
}

const found = (
  { runtime, resources, maxPrice, slots, lease }: Demand,
  tenant: QuotedOrder['tenant'] = null,
  market: Address | null = null,
): FoundOrder => ({
  order: {
    tenant,
    tenantRegion: null,
    runtime,
    unit: maxPrice.per,
    ...(lease === undefined ? {} : { lease: lease.kind }),
    resources,
    gpuModels: resources.gpu?.models ?? [],
    maxNanoUsd: maxPrice.nanoUsd,
  },
  slots,
  market,
})

const fromFile = (job: z.output<typeof jobFileSchema>): FoundOrder => {
  const { cpu, memory, disk, gpu } = job.resources
  return found({
    runtime: job.runtime ?? (job.program === undefined ? 'noop' : 'graph'),
    resources: {
      cpuMilli: cpu,
      memoryBytes: memory,
      diskBytes: disk,
      gpuCount: gpu.count,
      gpu: { vendors: [], models: gpu.models, vramBytes: 0, interfaces: [] },
    },
    lease: job.lease,
    maxPrice: job.maxPrice,
    slots: job.slots ?? Math.min(defaultSlots, countTasks(job.tasks)),
  })
}

const memberOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined

const refuse = (file: string, error: z.ZodError, value: unknown, schema: z.ZodType): MusterError => {
  const issues = explainIssues(error, value, schema)
  return new MusterError({
    code: 'spec_invalid',
    message: sayIssues(`The order ${file}`, issues),
    facts: { file, issues },
  })
}

/**
 * An order from YAML or JSON: the record, signed or not; a job's spec as the API takes it; or a job file. Throws `spec_invalid` with
 * every mistake (path, expected, found), `request_invalid` for what is not YAML.
 */
export const readOrder = (file: string, text: string): FoundOrder => {
  const whole = readYaml(file, text)
  const value = memberOf(whole, 'record') ?? whole
  if (memberOf(value, 'kind') === 'order') {
    const parsed = orderSchema.safeParse(value)
    if (parsed.success) return found(parsed.data, parsed.data.tenant, parsed.data.market)
    throw refuse(file, parsed.error, value, orderSchema)
  }
  if (memberOf(memberOf(value, 'resources'), 'cpuMilli') !== undefined) {
    const parsed = jobSpecSchema.safeParse(value)
    if (parsed.success) return found(parsed.data)
    throw refuse(file, parsed.error, value, jobSpecSchema)
  }
  const parsed = jobFileSchema.safeParse(value)
  if (parsed.success) return fromFile(parsed.data)
  throw refuse(file, parsed.error, value, jobFileSchema)
}
