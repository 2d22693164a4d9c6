import { MusterError } from '../error/muster-error.ts'
import { fromProblem, problemSchema, toProblem } from '../error/problem.ts'
import { plainFacts } from './encode-message.ts'

export const problemType = 'application/problem+json'

/** An error as the body of an HTTP answer (`application/problem+json`). */
export const encodeProblem = (error: unknown): Uint8Array => {
  const problem = toProblem(error)
  return new TextEncoder().encode(JSON.stringify({ ...problem, facts: plainFacts(problem.facts) }))
}

/** The error in the body of an HTTP answer; where it holds none, `unavailable` with the status that came. */
export const decodeProblem = (status: number, body: Uint8Array): MusterError => {
  try {
    const parsed = problemSchema.safeParse(JSON.parse(new TextDecoder().decode(body)))
    if (parsed.success) return fromProblem(parsed.data)
  } catch {
    // Not JSON: an answer of something between the two ends.
  }
  return new MusterError({
    code: 'unavailable',
    message: `The other side answered with HTTP status ${status} and without saying why.`,
    facts: { status },
  })
}
