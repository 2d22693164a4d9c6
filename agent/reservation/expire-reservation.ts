import type { HeldReservation } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { forgetReservation } from '../journal/journal-record.ts'
import { callAt, freeSlots } from './hold-slots.ts'

/** Frees the slots of a reservation at `until`, unless a lease has followed by then. */
export const expireReservation = (context: AgentContext, held: HeldReservation, until: number): void => {
  const { id, market } = held.signed.record
  if (held.lease !== null || context.book.reservations.get(id) !== held) return
  callAt(
    context,
    until,
    (timer) => (held.timer = timer),
    () => {
      if (held.lease !== null) return
      freeSlots(context, held)
      context.marketRecords.note(market, 'lapsed')
      context.writeLater([forgetReservation(id)])
    },
  )
}
