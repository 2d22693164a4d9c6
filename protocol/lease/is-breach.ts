import type { Notice, LeaseState } from './lease-state.ts'

/** What a message may take on its way, and timers of two machines differ. */
const slackMs = 1_000

/**
 * Whether a provider that ends a lease so breaks its term. A reserved lease lasts to its end; a spot lease as long from the
 * notice as its notice is, or to the end that was named before. An on-demand lease promises neither.
 */
export const isBreach = (
  { lease, until, notice }: Pick<LeaseState, 'lease' | 'until' | 'notice'>,
  { at, endsAt }: Pick<Notice, 'at' | 'endsAt'>,
): boolean => {
  const { term } = lease.record
  if (term === undefined || term.kind === 'on-demand') return false
  const promised =
    term.kind === 'reserved' ? until : Math.min(until, notice?.endsAt ?? until, at + (term.noticeMs ?? 0))
  return endsAt + slackMs < promised
}
