import { z } from 'zod'
import { cidSchema } from '../digest/cid.ts'
import { hexSchema } from '../digest/hex.ts'
import { timeSchema } from '../resource/resources.ts'
import { addressSchema } from '../signature/address.ts'
import { signedSchema, type Signed } from '../signature/signed.ts'

/** Bytes that a market may send an agent to measure its network by. */
const maxNetworkBytes = 64 * 2 ** 20

/** The matrices of a benchmark, which with a seed are determined: see `chainOf`. */
export const chainWorkSchema = z.strictObject({
  part: z.literal('compute'),
  /** Of the widest matrix. */
  width: z.int().min(16).max(768),
  layers: z.int().min(1).max(64),
  columns: z.int().min(1).max(4096),
})

export type ChainWork = z.output<typeof chainWorkSchema>

/** What is to be done: a benchmark is one challenge of each part, in this order. */
export const benchmarkWorkSchema = z.discriminatedUnion('part', [
  /** The reproducibility vector, memory, disk and GPUs. */
  z.strictObject({ part: z.literal('machine') }),
  /** Fetch this blob from the market as the input of a task, and hold it ready to be fetched back. */
  z.strictObject({ part: z.literal('network'), blob: cidSchema, bytes: z.int().min(1).max(maxNetworkBytes) }),
  chainWorkSchema,
])

export type BenchmarkWork = z.output<typeof benchmarkWorkSchema>
export type BenchmarkPart = BenchmarkWork['part']

/** A market asks a provider to show what its machine does. Signed by the market. */
export const benchmarkChallengeSchema = z.strictObject({
  kind: z.literal('benchmark-challenge'),
  market: addressSchema,
  provider: addressSchema,
  /** By chance, for this challenge alone: inputs and output follow from it, so that nothing can be prepared or used again. */
  seed: hexSchema(32),
  work: benchmarkWorkSchema,
  issuedAt: timeSchema,
  expiresAt: timeSchema,
})

export type BenchmarkChallenge = z.output<typeof benchmarkChallengeSchema>
export type SignedBenchmarkChallenge = Signed<BenchmarkChallenge>
export const signedBenchmarkChallengeSchema = signedSchema(benchmarkChallengeSchema)
