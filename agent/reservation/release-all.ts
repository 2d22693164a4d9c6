import type { Address } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import { forgetReservation } from '../journal/journal-record.ts'
import { freeSlots } from './hold-slots.ts'

/** Gives up every reservation that no lease has followed: those of one market, or of all. */
export const releaseAll = (context: AgentContext, market?: Address): void => {
  const held = [...context.book.reservations.values()].filter(
    ({ lease, signed }) => lease === null && (market === undefined || signed.record.market === market),
  )
  for (const reservation of held) freeSlots(context, reservation)
  context.writeLater(held.map(({ signed }) => forgetReservation(signed.record.id)))
}
