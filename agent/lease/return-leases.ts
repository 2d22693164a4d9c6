import type { Address, LeaseId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import { callAt } from '../reservation/hold-slots.ts'
import { endLease } from './end-lease.ts'

/** Tells a market which of its leases are taken back, and when what still runs is ended. */
export const sendNotice = (context: AgentContext, market: Address): void => {
  const byTime = new Map<number, LeaseId[]>()
  for (const { signed, returnedBy } of context.book.leases.values()) {
    if (returnedBy === null || signed.record.market !== market) continue
    const ids = byTime.get(returnedBy) ?? []
    byTime.set(returnedBy, ids)
    if (ids.length < 4096) ids.push(signed.record.id)
  }
  for (const [by, leases] of byTime) context.markets.send(market, { type: 'notice', leases, by })
}

/** Takes all leases back with notice: attempts may finish until `by`; then they are ended and reported, and the slots are free. */
export const returnLeases = (context: AgentContext, by: number): void => {
  for (const lease of context.book.leases.values()) {
    if (lease.returnedBy !== null) continue
    lease.returnedBy = by
    const until = Math.min(by, lease.signed.record.paidUntil)
    lease.reservation.timer?.cancel()
    callAt(
      context,
      until,
      (timer) => (lease.reservation.timer = timer),
      () => context.writeLater(endLease(context, lease, 'returned')),
    )
  }
  for (const market of context.markets.addresses) sendNotice(context, market)
}
