import { encodeCanonical } from '../cbor/canonical.ts'
import type { Facts } from '../error/muster-error.ts'
import type { Problem } from '../error/problem.ts'
import type { AgentMessage, MarketMessage } from './link-message.ts'

const maxDepth = 8

/** `String`, also of what has no text of its own: an object without a prototype, or with a `toString` that is none. */
const sayText = (value: unknown): string => {
  try {
    return String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}

const plain = (value: unknown, depth: number): unknown => {
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'boolean' || value instanceof Uint8Array) return value
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : String(value)
  if (typeof value !== 'object' || value instanceof Error || depth >= maxDepth) return sayText(value)
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]))
}

/** Facts as canonical CBOR can carry them: what is no text, integer, boolean, bytes, list or map becomes text. */
export const plainFacts = (facts: Facts): Facts =>
  Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, plain(fact, 0)]))

const plainProblem = (problem: Problem): Problem => ({ ...problem, facts: plainFacts(problem.facts) })

const withPlainProblems = (message: MarketMessage | AgentMessage): unknown => {
  if (message.type === 'blob-missing') return { ...message, problem: plainProblem(message.problem) }
  if (message.type !== 'failures') return message
  return { ...message, failures: message.failures.map((each) => ({ ...each, problem: plainProblem(each.problem) })) }
}

/** Canonical CBOR of a message, without its length. */
export const encodeMessage = (message: MarketMessage | AgentMessage): Uint8Array =>
  encodeCanonical(withPlainProblems(message))
