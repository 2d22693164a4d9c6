import type { Problem } from '../error/problem.ts'
import { plainFacts } from '../link/encode-message.ts'
import type { JobEvent } from './job-event.ts'

/** The problem with facts that canonical CBOR can carry: fractions, bigints and the like become text. */
export const canonicalProblem = (problem: Problem): Problem => ({ ...problem, facts: plainFacts(problem.facts) })

/** The event as `encodeCanonical` takes it: the same, but for the facts of problems. */
export const canonicalEvent = (event: JobEvent): JobEvent => {
  switch (event.type) {
    case 'unmatched':
    case 'abandoned':
      return { ...event, problem: canonicalProblem(event.problem) }
    case 'failed':
      return {
        ...event,
        attempts: event.attempts.map((attempt) => ({ ...attempt, problem: canonicalProblem(attempt.problem) })),
      }
    default:
      return event
  }
}
