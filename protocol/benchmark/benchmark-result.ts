import { z } from 'zod'
import { cidSchema } from '../digest/cid.ts'
import { digestSchema } from '../digest/digest.ts'
import { textSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

const microsecondsSchema = z.int().min(0).max(86_400_000_000)
const bytesSchema = z
  .int()
  .min(0)
  .max(2 ** 50)

/** What the driver of a GPU says of it. */
export const gpuFiguresSchema = z.strictObject({
  uuid: textSchema(80),
  model: textSchema(80),
  vramBytes: bytesSchema,
  driver: textSchema(40),
  /** The highest clocks, in MHz; 0 where the driver does not say. */
  coreMhz: z.int().min(0).max(100_000),
  memoryMhz: z.int().min(0).max(100_000),
})

export type GpuFigures = z.output<typeof gpuFiguresSchema>

export const machineFindingsSchema = z.strictObject({
  part: z.literal('machine'),
  /** Digests of the outputs of the reproducibility vector, in its order. */
  vector: z.array(digestSchema).max(64),
  /** Bytes copied within memory, each read once and written once. */
  memory: z.strictObject({ bytes: bytesSchema, tookUs: microsecondsSchema }),
  /** In the agent's directory: written and flushed to the disk, and read again (which memory may have answered). */
  disk: z.strictObject({ bytes: bytesSchema, writeUs: microsecondsSchema, readUs: microsecondsSchema }),
  gpus: z.array(gpuFiguresSchema).max(64),
})

export type MachineFindings = z.output<typeof machineFindingsSchema>

const networkFindingsSchema = z.strictObject({
  part: z.literal('network'),
  /** SHA-256 of the challenge's seed and the blob's bytes: nobody has it before the last byte. */
  proof: digestSchema,
})

const computeFindingsSchema = z.strictObject({
  part: z.literal('compute'),
  /** The last matrix, as a tensor blob. */
  output: cidSchema,
  /** Time for making and loading the program, and for running it. */
  prepareUs: microsecondsSchema,
  runUs: microsecondsSchema,
})

/** What was found, by the part of the challenge. Times are by the agent's own clock. */
export const benchmarkFindingsSchema = z.discriminatedUnion('part', [
  machineFindingsSchema,
  networkFindingsSchema,
  computeFindingsSchema,
])

export type BenchmarkFindings = z.output<typeof benchmarkFindingsSchema>

/** An agent's answer to a challenge. Signed by the provider. */
export const benchmarkResultSchema = z.strictObject({
  kind: z.literal('benchmark-result'),
  market: addressSchema,
  provider: addressSchema,
  challenge: digestSchema,
  /** What its `graph` runtime is pinned to. */
  execSpec: textSchema(80),
  found: benchmarkFindingsSchema,
  at: timeSchema,
})

export type BenchmarkResult = z.output<typeof benchmarkResultSchema>
export type SignedBenchmarkResult = Signed<BenchmarkResult>
export const signedBenchmarkResultSchema = signedSchema(benchmarkResultSchema)
