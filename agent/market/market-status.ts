import type { Address, MusterError } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import type { MarketRecord } from './market-record.ts'

/** How an agent stands with one of its markets. */
export interface MarketStatus {
  readonly market: Address
  /** `refused`: there is no use in dialling again; `problem` says why. */
  readonly phase: 'linked' | 'unlinked' | 'leaving' | 'refused'
  readonly problem: MusterError | null
  /** Slots held without and with a lease; of what ran out none are held, also before it is forgotten. */
  readonly reserved: number
  readonly leased: number
  /** Claims that the market has not settled. */
  readonly unsettled: number
  readonly record: MarketRecord
}

/** `problem` is why its link was given up. */
export const marketStatus = (
  { book, markets, marketRecords }: Pick<AgentContext, 'book' | 'markets' | 'marketRecords'>,
  market: Address,
  problem: MusterError | null,
): MarketStatus => {
  let reserved = 0
  let leased = 0
  for (const { signed, lease } of book.reservations.values()) {
    if (signed.record.market !== market) continue
    const slots = book.capacity.holdings.get(signed.record.id)?.slots ?? 0
    if (lease === null) reserved += slots
    else leased += slots
  }
  let unsettled = 0
  for (const report of book.reports) if (report.market === market) unsettled += report.unsettled
  const isOpen = markets.isOpen(market)
  const linked = markets.isLinked(market) ? 'linked' : 'unlinked'
  const phase = problem !== null ? 'refused' : isOpen ? linked : 'leaving'
  return { market, phase, problem, reserved, leased, unsettled, record: marketRecords.of(market) }
}
