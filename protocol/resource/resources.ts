import { z } from 'zod'

/** Text of a record: Unicode, so that it is the same text after JSON and CBOR. */
export const textSchema = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => text.isWellFormed(), { error: 'expected Unicode text, found half a surrogate pair' })

/** What one slot needs or has. CPU in thousandths of a core; GPUs are counted here and named in a reservation. */
export const resourcesSchema = z.strictObject({
  cpuMilli: z.int().min(1).max(10_000_000),
  memoryBytes: z
    .int()
    .min(1)
    .max(2 ** 50),
  diskBytes: z
    .int()
    .min(0)
    .max(2 ** 60),
  gpuCount: z.int().min(0).max(1024).default(0),
})

export type Resources = z.output<typeof resourcesSchema>

/** Whether a slot of one size is enough for a need: at least as much of everything. */
export const coversResources = (slot: Resources, need: Resources): boolean =>
  slot.cpuMilli >= need.cpuMilli &&
  slot.memoryBytes >= need.memoryBytes &&
  slot.diskBytes >= need.diskBytes &&
  slot.gpuCount >= need.gpuCount

/** Megabits a second to and from the machine, shared by its slots. */
export const networkSchema = z.strictObject({
  downMbps: z.int().min(0).max(10_000_000),
  upMbps: z.int().min(0).max(10_000_000),
})

export type Network = z.output<typeof networkSchema>

/** Whole billions of operations a second on float32, of one slot in the pinned runtime. */
export const gflopsSchema = z.int().min(1).max(1_000_000)

export const runtimeKinds = ['graph', 'noop'] as const
export const runtimeKindSchema = z.enum(runtimeKinds)
export type RuntimeKind = z.output<typeof runtimeKindSchema>

export const gpuVendors = ['nvidia', 'amd', 'intel', 'apple'] as const

/** How a GPU is attached: a card (`pcie`), a module on a board of its own (`sxm`, `oam`), or part of the processor (`soc`). */
export const gpuInterfaces = ['pcie', 'sxm', 'oam', 'soc'] as const
export type GpuInterface = (typeof gpuInterfaces)[number]

/** A GPU by the UUID its driver gives it. Without `interface` nobody knows how it is attached. */
export const gpuSchema = z.strictObject({
  uuid: textSchema(80),
  vendor: z.enum(gpuVendors),
  model: textSchema(80),
  vramBytes: z.int().nonnegative(),
  interface: z.enum(gpuInterfaces).exactOptional(),
})

export type Gpu = z.output<typeof gpuSchema>

export const timeSchema = z.int().min(0).max(8_640_000_000_000)
export const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, {
  error: 'expected 1 to 63 of a-z, 0-9, dot, dash, underscore',
})

const namedTextsSchema = z.record(nameSchema, textSchema(128)).refine((all) => Object.keys(all).length <= 32, {
  error: 'expected at most 32 attributes',
})

/** Up to 32 texts by name. A name `__proto__`, which a record's schema would pass over, is refused like any other wrong one. */
export const attributesSchema = z.preprocess((value: unknown, context) => {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__'))
    context.addIssue({ code: 'custom', path: ['__proto__'], message: 'expected another name' })
  return value
}, namedTextsSchema) as unknown as typeof namedTextsSchema
