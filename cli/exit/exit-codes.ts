import type { ErrorCode, MusterError } from '@muster/sdk'

/** What the program's exit status means; docs/guides/cli.md lists them. */
export const exitCodes = {
  ok: 0,
  /** The job failed or was cancelled, outputs that were asked for are missing, or a receipt did not pass. */
  failed: 1,
  /** Wrong arguments, a wrong job file, or something named that does not exist. */
  usage: 2,
  /** The market cannot be reached, or failed itself. */
  unreachable: 3,
  /** No offer fits. */
  nothingFits: 4,
  /** Refused: no key, not allowed, not enough money. */
  refused: 5,
  /** A fault of this program. */
  fault: 70,
  interrupted: 130,
} as const

const byCode: Partial<Record<ErrorCode, number>> = {
  nothing_fits: exitCodes.nothingFits,
  unauthenticated: exitCodes.refused,
  forbidden: exitCodes.refused,
  insufficient_funds: exitCodes.refused,
  signature_invalid: exitCodes.refused,
  rate_limited: exitCodes.refused,
  unavailable: exitCodes.unreachable,
  timeout: exitCodes.unreachable,
  link_closed: exitCodes.unreachable,
  internal: exitCodes.unreachable,
  attempts_exhausted: exitCodes.failed,
  program_crashed: exitCodes.failed,
  program_timeout: exitCodes.failed,
  program_memory: exitCodes.failed,
  workload_failed: exitCodes.failed,
  cancelled: exitCodes.failed,
}

export const exitCodeOf = (error: MusterError): number => byCode[error.code] ?? exitCodes.usage
