import type { HeldLease } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { endLease } from './end-lease.ts'

const longestTimerMs = 3_600_000

/** Ends a lease when it is over, or taken back. Its end is a time of day; a notice runs by a clock that never steps. */
export const watchEnd = (context: AgentContext, lease: HeldLease): void => {
  const { world } = context
  const expiresInMs = (): number => lease.until - world.now()
  const returnsInMs = (): number => (lease.returning === null ? Infinity : lease.returning.endsAt - world.elapsed())
  const waitMs = Math.min(longestTimerMs, Math.ceil(expiresInMs()), Math.ceil(returnsInMs()))
  lease.reservation.timer?.cancel()
  lease.reservation.timer = world.after(Math.max(1, waitMs), () => {
    const isReturned = returnsInMs() <= 0
    if (!isReturned && expiresInMs() > 0) return watchEnd(context, lease)
    context.writeLater(endLease(context, lease, isReturned ? 'returned' : 'expired'))
  })
}
