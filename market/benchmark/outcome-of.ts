import { MusterError, type BenchmarkOutcome, type ErrorCode } from '@muster/protocol'

/** What an agent answers that has no idle slot now, or is gone: that says nothing of its machine. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'capacity_taken',
  'rate_limited',
  'unavailable',
  'cancelled',
  'link_closed',
  'clock_skewed',
])

const ours: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'record_invalid',
  'signature_invalid',
  'blob_corrupt',
  // It named or was lent the blob itself.
  'blob_missing',
  'tensor_invalid',
])

/** How a benchmark that was not measured ended; `busy` where it is to be tried again. */
export const outcomeOf = (
  error: unknown,
): { readonly outcome: Exclude<BenchmarkOutcome, 'measured'> | 'busy'; readonly reason: string } => {
  if (!(error instanceof MusterError)) return { outcome: 'failed', reason: 'The answer was no answer.' }
  const reason = error.message.slice(0, 500)
  if (error.code === 'link_closed' && error.facts['reason'] === 'protocol-error')
    return { outcome: 'failed', reason: 'The answer was no answer.' }
  if (passing.has(error.code)) return { outcome: 'busy', reason }
  if (error.code === 'timeout') return { outcome: 'late', reason }
  return { outcome: ours.has(error.code) || error.code === 'blob_too_large' ? 'failed' : 'refused', reason }
}
