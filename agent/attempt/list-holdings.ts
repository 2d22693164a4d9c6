import type { Address, LinkResponse } from '@muster/protocol'
import type { AgentContext } from '../context.ts'

const maxListed = 65_536

/**
 * The leases and attempts held for a market, by the journal: attempts that run, are queued, or ended and are not settled,
 * failed ones included, since their failure will be reported.
 */
export const listHoldings = async (context: AgentContext, market: Address): Promise<LinkResponse<'holdings'>> => {
  await context.write([])
  const { leases, attempts } = context.book
  return {
    leases: [...leases.values()]
      .flatMap(({ signed }) => (signed.record.market === market ? [signed.record.id] : []))
      .slice(0, maxListed),
    attempts: [...attempts.values()].flatMap((held) => (held.market === market ? [held.id] : [])).slice(0, maxListed),
  }
}
