import type { Lease, Order, SignedLease } from '@muster/protocol'
import type { Stage } from './stage-agent.ts'

/** Reserves and leases slots of a stage's agent, as its market. */
export const leaseSlots = async (
  { market }: Stage,
  slots = 1,
  changes: { readonly order?: Partial<Order>; readonly lease?: Partial<Lease> } = {},
): Promise<SignedLease> => {
  const reservation = await market.reserve(market.order({ slots, ...changes.order }), slots)
  const lease = market.lease(reservation, { runtime: changes.order?.runtime ?? 'noop', ...changes.lease })
  await market.open(lease)
  return lease
}
