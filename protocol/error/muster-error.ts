import { errorCodes, type ErrorCode, type Fault, type Retry } from './error-codes.ts'

export type Facts = Readonly<Record<string, unknown>>

export interface MusterErrorInput {
  readonly code: ErrorCode
  /** One sentence for a person: what went wrong and what to do. */
  readonly message: string
  /** Labelled, typed facts: where, expected, found. Never a secret. */
  readonly facts?: Facts
  readonly fault?: Fault
  readonly retry?: Retry
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** The one error type that crosses a border; anything else is `internal` and leaks nothing. */
export class MusterError extends Error {
  readonly code: ErrorCode
  readonly facts: Facts
  readonly fault: Fault
  readonly retry: Retry
  readonly retryAfterMs: number | undefined

  constructor(input: MusterErrorInput) {
    super(input.message, input.cause === undefined ? {} : { cause: input.cause })
    this.name = 'MusterError'
    this.code = input.code
    this.facts = input.facts ?? {}
    this.fault = input.fault ?? errorCodes[input.code].fault
    this.retry = input.retry ?? errorCodes[input.code].retry
    this.retryAfterMs = input.retryAfterMs
  }
}
