import { z } from 'zod'
import { textSchema, timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedBenchmarkChallengeSchema } from './benchmark-challenge.ts'
import { gpuFiguresSchema, signedBenchmarkResultSchema } from './benchmark-result.ts'

const rateSchema = z.number().min(0).max(1e12)

/** What a market measured of a machine. Memory and disk are as the agent says; the rest the market timed. */
export const benchmarkFiguresSchema = z.strictObject({
  /** Of one slot, one thread, in the pinned runtime: the work over the time from the challenge to the answer. */
  gflops: rateSchema,
  /** The same over the time the agent says it ran. */
  claimedGflops: rateSchema,
  /** To and from the machine, megabits a second, one blob at a time. */
  downMbps: rateSchema,
  upMbps: rateSchema,
  /** Megabytes a second. */
  memoryMBps: rateSchema,
  diskWriteMBps: rateSchema,
  diskReadMBps: rateSchema,
  /** Operators of the reproducibility vector whose output was not the pinned one; null where the vector did not run. */
  mismatches: z.array(textSchema(80)).max(64).nullable(),
  gpus: z.array(gpuFiguresSchema).max(64),
})

export type BenchmarkFigures = z.output<typeof benchmarkFiguresSchema>

/** `refused`: the agent would not; `failed`: what it answered does not hold; `late`: it did not answer in time. */
const benchmarkOutcomes = ['measured', 'refused', 'failed', 'late'] as const

/** One benchmark of a provider, as its market keeps it. */
export const benchmarkEntrySchema = z.strictObject({
  id: textSchema(120).min(1),
  provider: addressSchema,
  at: timeSchema,
  outcome: z.enum(benchmarkOutcomes),
  /** What was wrong; empty where it was measured. */
  reason: textSchema(500),
  execSpec: textSchema(80),
  figures: benchmarkFiguresSchema.nullable(),
  /** What the provider's offers said of a slot's speed then, in GFLOP/s; null where they said nothing. */
  soldGflops: rateSchema.nullable(),
  /** What was asked and answered, both signed, as far as it came. */
  answers: z
    .array(z.strictObject({ challenge: signedBenchmarkChallengeSchema, result: signedBenchmarkResultSchema }))
    .max(3),
})

export type BenchmarkEntry = z.output<typeof benchmarkEntrySchema>
export type BenchmarkOutcome = BenchmarkEntry['outcome']
