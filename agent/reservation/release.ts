import { MusterError, type Address, type ReservationId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import { forgetReservation } from '../journal/journal-record.ts'
import { freeSlots } from './hold-slots.ts'

/** Longer than this after its auction, without a lease, is in vain: who only loses one gives back at once. */
const promptMs = 5_000

/** Gives up a reservation; one that is not held any more is given up already. Throws `conflict` where a lease followed it. */
export const release = async (context: AgentContext, market: Address, id: ReservationId): Promise<void> => {
  const held = context.book.reservations.get(id)
  if (held === undefined || held.signed.record.market !== market) return
  if (held.lease !== null) {
    throw new MusterError({
      code: 'conflict',
      message: 'This reservation has become a lease; close the lease instead.',
      facts: { reservation: id, lease: held.lease.signed.record.id },
      fault: 'market',
      retry: 'never',
    })
  }
  freeSlots(context, held)
  const heldMs = context.world.now() - held.signed.record.issuedAt
  context.marketRecords.note(market, heldMs > held.windowMs + promptMs ? 'lapsed' : 'released')
  await context.write([forgetReservation(id)])
}
