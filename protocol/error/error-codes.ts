/** Whose fault an error is; what a tenant is told and what a record is charged with rest on it. */
export type Fault = 'tenant' | 'provider' | 'market' | 'program' | 'machine' | 'network'

/** `never`: the same call fails again. `now`: try at once. `later`: try after `retryAfterMs` or a back-off. */
export type Retry = 'never' | 'now' | 'later'

interface ErrorClass {
  readonly fault: Fault
  readonly retry: Retry
}

/** Every code an API answers with, with the fault and retry that hold unless the thrower knows better. */
export const errorCodes = {
  spec_invalid: { fault: 'tenant', retry: 'never' },
  request_invalid: { fault: 'tenant', retry: 'never' },
  record_invalid: { fault: 'provider', retry: 'never' },
  signature_invalid: { fault: 'provider', retry: 'never' },
  record_expired: { fault: 'provider', retry: 'never' },
  order_replayed: { fault: 'tenant', retry: 'never' },
  clock_skewed: { fault: 'machine', retry: 'later' },
  unauthenticated: { fault: 'tenant', retry: 'never' },
  forbidden: { fault: 'tenant', retry: 'never' },
  not_found: { fault: 'tenant', retry: 'never' },
  conflict: { fault: 'tenant', retry: 'now' },
  rate_limited: { fault: 'tenant', retry: 'later' },
  insufficient_funds: { fault: 'tenant', retry: 'never' },
  insufficient_bond: { fault: 'provider', retry: 'never' },
  nothing_fits: { fault: 'tenant', retry: 'later' },
  capacity_taken: { fault: 'provider', retry: 'later' },
  reservation_expired: { fault: 'provider', retry: 'now' },
  lease_closed: { fault: 'provider', retry: 'never' },
  attempt_fenced: { fault: 'provider', retry: 'never' },
  attempt_lost: { fault: 'provider', retry: 'now' },
  attempts_exhausted: { fault: 'program', retry: 'never' },
  transition_refused: { fault: 'market', retry: 'never' },
  stale_writer: { fault: 'market', retry: 'now' },
  ledger_unbalanced: { fault: 'market', retry: 'never' },
  blob_too_large: { fault: 'tenant', retry: 'never' },
  blob_corrupt: { fault: 'network', retry: 'now' },
  blob_missing: { fault: 'tenant', retry: 'never' },
  disk_full: { fault: 'machine', retry: 'later' },
  program_refused: { fault: 'program', retry: 'never' },
  program_crashed: { fault: 'program', retry: 'never' },
  program_timeout: { fault: 'program', retry: 'never' },
  program_memory: { fault: 'program', retry: 'never' },
  tensor_invalid: { fault: 'tenant', retry: 'never' },
  runtime_unpinned: { fault: 'machine', retry: 'never' },
  workload_failed: { fault: 'machine', retry: 'now' },
  cancelled: { fault: 'tenant', retry: 'never' },
  link_superseded: { fault: 'provider', retry: 'never' },
  link_closed: { fault: 'network', retry: 'later' },
  timeout: { fault: 'network', retry: 'later' },
  unavailable: { fault: 'market', retry: 'later' },
  internal: { fault: 'market', retry: 'later' },
} as const satisfies Record<string, ErrorClass>

export type ErrorCode = keyof typeof errorCodes

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errorCodes, text)
