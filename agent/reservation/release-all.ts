import type { AgentContext } from '../context.ts'
import { forgetReservation } from '../journal/journal-record.ts'
import { freeSlots } from './hold-slots.ts'

/** Gives up every reservation that no lease has followed. */
export const releaseAll = (context: AgentContext): void => {
  const held = [...context.book.reservations.values()].filter(({ lease }) => lease === null)
  for (const reservation of held) freeSlots(context, reservation)
  context.writeLater(held.map(({ signed }) => forgetReservation(signed.record.id)))
}
