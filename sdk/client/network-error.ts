import { MusterError } from '@muster/protocol'

/** The system's name for what went wrong (`ECONNREFUSED`), wherever fetch has put it; Node hides it in nested causes. */
const systemCode = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  return systemCode(inner)
}

/** What the innermost cause says. */
const deepest = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : deepest(error.cause)
}

const meanings: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'this machine has no network',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not trusted',
}

/** What fetch threw, as a MusterError: as it is where it already is one, else `unavailable` by fault of the network. */
export const networkError = (error: unknown, url: string, what: string): MusterError => {
  if (error instanceof MusterError) return error
  const code = systemCode(error)
  const why =
    code === undefined
      ? `the connection failed (${deepest(error)})`
      : (meanings[code] ?? `the connection failed with ${code}`)
  return new MusterError({
    code: 'unavailable',
    message: `Cannot reach the market at ${url}: ${why}.`,
    facts: { url, call: what, ...(code === undefined ? {} : { found: code }) },
    fault: 'network',
    cause: error,
  })
}
