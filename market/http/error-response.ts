import { MusterError, toJson, toProblem, type ErrorCode, type Log } from '@muster/protocol'

const statuses: Partial<Record<ErrorCode, number>> = {
  spec_invalid: 400,
  request_invalid: 400,
  record_invalid: 400,
  signature_invalid: 400,
  record_expired: 400,
  clock_skewed: 400,
  program_refused: 422,
  tensor_invalid: 422,
  blob_corrupt: 422,
  unauthenticated: 401,
  insufficient_funds: 402,
  forbidden: 403,
  not_found: 404,
  blob_missing: 404,
  conflict: 409,
  order_replayed: 409,
  nothing_fits: 409,
  link_superseded: 409,
  lease_closed: 410,
  blob_too_large: 413,
  rate_limited: 429,
  timeout: 504,
  unavailable: 503,
  disk_full: 507,
}

export const statusOf = (code: ErrorCode): number => statuses[code] ?? 500

/** The one place where errors become HTTP: RFC 9457 `problem+json`. What is not a `MusterError` is logged and says nothing to the caller. */
export const errorResponse = (error: unknown, log: Log): Response => {
  if (!(error instanceof MusterError))
    log.error('a request failed', { error, stack: error instanceof Error ? error.stack : undefined })
  const problem = toProblem(error)
  const status = error instanceof MusterError ? statusOf(error.code) : 500
  const body = { type: `urn:muster:error:${problem.code}`, title: problem.message, status, ...problem }
  return new Response(toJson(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(problem.retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(problem.retryAfterMs / 1000)) }),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
  })
}
