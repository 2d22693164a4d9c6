import { MusterError, toProblem, type Problem } from '@muster/protocol'

const maxTextLength = 1000
const maxFacts = 32

const plainFact = (value: unknown, depth: number): unknown => {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return value.slice(0, maxTextLength)
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : String(value)
  if (typeof value === 'bigint') return value.toString()
  if (depth === 0) return '…'
  if (Array.isArray(value)) return value.slice(0, maxFacts).map((item: unknown) => plainFact(item, depth - 1))
  if (typeof value === 'object') {
    const entries = Object.entries(value).slice(0, maxFacts)
    return Object.fromEntries(entries.map(([name, fact]) => [name.slice(0, 80), plainFact(fact, depth - 1)]))
  }
  return typeof value
}

/** A problem of bounded size whose facts have a canonical form, so that it can be journaled and sent. */
export const plainProblem = (problem: Problem): Problem => {
  const facts: unknown = plainFact(problem.facts, 4)
  return {
    ...problem,
    message: problem.message.slice(0, maxTextLength),
    facts: typeof facts === 'object' && facts !== null ? { ...facts } : {},
  }
}

/** What a market is told of an error; one that is not ours is the machine's fault and leaks nothing. */
export const describeFailure = (error: unknown): Problem =>
  plainProblem(
    toProblem(
      error instanceof MusterError
        ? error
        : new MusterError({
            code: 'workload_failed',
            message: 'The machine failed while it ran this attempt; another may do better.',
          }),
    ),
  )
