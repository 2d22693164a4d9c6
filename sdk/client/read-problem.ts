import { fromProblem, MusterError, problemSchema, type ErrorCode } from '@muster/protocol'

const codeOfStatus = (status: number): ErrorCode => {
  if (status === 401) return 'unauthenticated'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not_found'
  if (status === 413) return 'blob_too_large'
  if (status === 429) return 'rate_limited'
  if (status === 502 || status === 503 || status === 504) return 'unavailable'
  return status >= 500 ? 'internal' : 'request_invalid'
}

const retryAfterMs = (response: Response): number | undefined => {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1000) : undefined
}

/** The error of an answer that is none of success: its problem+json, or what its status says where something else answered. */
export const readProblem = async (response: Response, url: string): Promise<MusterError> => {
  const text = await response.text()
  const waitMs = retryAfterMs(response)
  try {
    const problem = problemSchema.parse(JSON.parse(text))
    return fromProblem(waitMs === undefined ? problem : { retryAfterMs: waitMs, ...problem })
  } catch {
    return new MusterError({
      code: codeOfStatus(response.status),
      message: `What answers at ${url} said ${response.status} without a reason; is it a Muster market?`,
      facts: { status: response.status, found: text.slice(0, 200) },
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    })
  }
}
