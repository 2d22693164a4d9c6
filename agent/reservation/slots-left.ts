import { freeCapacity, slotsThatFit } from '@muster/protocol'
import type { AgentContext } from '../context.ts'

/** Slots that may still be sold: what fits into what is free, and no more at once than the owner allows. */
export const slotsLeft = ({ options, book }: Pick<AgentContext, 'options' | 'book'>, now: number): number => {
  let sold = 0
  for (const { signed } of book.reservations.values()) sold += signed.record.slots
  return Math.max(0, Math.min(options.maxSlots - sold, slotsThatFit(freeCapacity(book.capacity, now), options.slot)))
}
