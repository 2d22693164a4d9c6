import { execSpecDigest } from '@muster/graph'
import {
  digestOf,
  MusterError,
  type BenchmarkChallenge,
  type BenchmarkFindings,
  type BenchmarkPart,
  type SignatureDomain,
  type SignedBenchmarkResult,
  type Verifier,
} from '@muster/protocol'

export type FindingsOf<Part extends BenchmarkPart> = Extract<BenchmarkFindings, { part: Part }>

/** Clocks have grains. */
const graceMs = 5

const wrong = (message: string, expected: unknown, found: unknown): MusterError =>
  new MusterError({ code: 'record_invalid', message, facts: { expected, found } })

/** The time that the agent says it took, in microseconds. */
const claimedUs = (found: BenchmarkFindings): number => {
  switch (found.part) {
    case 'machine':
      return found.memory.tookUs + found.disk.writeUs + found.disk.readUs
    case 'network':
      return 0
    case 'compute':
      return found.prepareUs + found.runUs
  }
}

/**
 * That a result answers this challenge, is signed by the provider, and claims no more time than passed. Throws `signature_invalid`
 * or `record_invalid`, with a sentence that may be shown to anyone.
 */
export const checkAnswer = <Part extends BenchmarkPart>(
  challenge: BenchmarkChallenge,
  part: Part,
  answer: SignedBenchmarkResult,
  elapsedMs: number,
  { verifier, domain }: { readonly verifier: Verifier; readonly domain: SignatureDomain },
): FindingsOf<Part> => {
  const { record } = answer
  verifier.requireSigner(domain, answer, challenge.provider)
  if (record.market !== challenge.market || record.provider !== challenge.provider)
    throw wrong('The answer is of another provider or for another market.', challenge.provider, record.provider)
  const asked = digestOf(challenge)
  if (record.challenge !== asked) throw wrong('The answer is to another challenge.', asked, record.challenge)
  if (record.execSpec !== execSpecDigest)
    throw wrong('The answer is of another runtime than was asked about.', execSpecDigest, record.execSpec)
  const { found } = record
  if (found.part !== part) throw wrong('The answer is to another part of the benchmark.', part, found.part)
  const claimedMs = claimedUs(found) / 1000
  if (claimedMs > elapsedMs + graceMs)
    throw wrong('The answer claims more time than passed between challenge and answer.', elapsedMs, claimedMs)
  return found as FindingsOf<Part>
}
