import { z } from 'zod'
import { errorCodes, isErrorCode, type ErrorCode } from './error-codes.ts'
import { MusterError } from './muster-error.ts'

const faults = ['tenant', 'provider', 'market', 'program', 'machine', 'network'] as const

/** An error on the wire: the members of RFC 9457 `problem+json` that do not depend on HTTP. */
export const problemSchema = z.object({
  code: z.string(),
  message: z.string(),
  facts: z.record(z.string(), z.unknown()).default({}),
  fault: z.enum(faults),
  retry: z.enum(['never', 'now', 'later']),
  retryAfterMs: z.int().nonnegative().optional(),
})

export type Problem = z.infer<typeof problemSchema>

/** Turns anything thrown into a problem; an unknown error says only that it is internal. */
export const toProblem = (error: unknown): Problem => {
  if (!(error instanceof MusterError)) {
    return {
      code: 'internal' satisfies ErrorCode,
      message: 'Something failed inside the market; nothing was charged.',
      facts: {},
      ...errorCodes.internal,
    }
  }
  const { code, message, facts, fault, retry, retryAfterMs } = error
  return { code, message, facts: { ...facts }, fault, retry, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
}

/** The inverse of `toProblem`; a code this version does not know becomes `internal` and keeps its sentence. */
export const fromProblem = (problem: Problem): MusterError =>
  new MusterError({
    code: isErrorCode(problem.code) ? problem.code : 'internal',
    message: problem.message,
    facts: problem.facts,
    fault: problem.fault,
    retry: problem.retry,
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
  })
