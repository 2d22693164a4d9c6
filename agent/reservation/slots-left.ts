import { freeCapacity, slotsThatFit, type Address } from '@muster/protocol'
import { slotsOf } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { reservableSlots } from '../market/market-record.ts'

type SlotsContext = Pick<AgentContext, 'options' | 'book' | 'markets' | 'marketRecords'>

/** Slots that may still be sold: what fits into what is free, and no more at once than the owner allows. */
export const slotsUnsold = ({ options, book }: Pick<SlotsContext, 'options' | 'book'>, now: number): number => {
  let sold = 0
  for (const held of book.reservations.values()) sold += slotsOf(held)
  return Math.max(0, Math.min(options.maxSlots - sold, slotsThatFit(freeCapacity(book.capacity, now), options.slot)))
}

/** What is left of this market's share of the slots: those it holds reserved without a lease are gone from it. */
const shareLeft = ({ options, book, markets, marketRecords }: SlotsContext, market: Address): number => {
  const total = Math.min(options.maxSlots, slotsThatFit(options.capacity, options.slot))
  let reserved = 0
  for (const { signed, lease } of book.reservations.values())
    if (lease === null && signed.record.market === market) reserved += signed.record.slots
  const most = reservableSlots(total, markets.linkedCount, marketRecords.of(market), options.reservedShare)
  return Math.max(0, most - reserved)
}

/** Slots that this market may reserve now: none while it rests or is being left. */
export const slotsLeft = (context: SlotsContext, market: Address, now: number): number => {
  const { markets, marketRecords } = context
  if (!markets.isOpen(market)) return 0
  if (markets.linkedCount > 1 && marketRecords.isResting(market)) return 0
  return Math.min(slotsUnsold(context, now), shareLeft(context, market))
}
