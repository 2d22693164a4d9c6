import { encodeCanonical, type Problem } from '@muster/protocol'

export const maxMessageLength = 2_000
export const maxFactBytes = 8 * 1024
const maxCodeLength = 64
const maxFactDepth = 6

const cut = (text: string, maxLength: number): string =>
  text.length <= maxLength ? text : `${text.slice(0, maxLength - 1)}…`.toWellFormed()

const isShallow = (value: unknown, depth = 0): boolean => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true
  return depth < maxFactDepth && Object.values(value).every((item) => isShallow(item, depth + 1))
}

const boundFacts = (facts: Problem['facts']): Problem['facts'] => {
  const kept: [string, unknown][] = []
  let bytes = 0
  for (const fact of Object.entries(facts)) {
    const size = isShallow(fact[1]) ? encodeCanonical(fact).length : Infinity
    if (bytes + size > maxFactBytes) continue
    bytes += size
    kept.push(fact)
  }
  const left = Object.keys(facts).length - kept.length
  return Object.fromEntries(left === 0 ? kept : [...kept, ['omitted', `${left} facts too large or too deep to keep`]])
}

/**
 * The problem a stranger sent, no larger than a journal should hold: its message cut to 2,000 characters, its code to 64,
 * and of its facts, in their order, those that fit into 8 KiB of canonical CBOR and are no more than 6 levels deep; the
 * others are counted in the fact `omitted`. Throws `TypeError` on facts that did not come in canonical CBOR.
 */
export const boundProblem = (problem: Problem): Problem => ({
  ...problem,
  code: cut(problem.code, maxCodeLength),
  message: cut(problem.message, maxMessageLength),
  facts: boundFacts(problem.facts),
})
