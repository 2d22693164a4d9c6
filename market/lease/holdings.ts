import type { AgentPeer, AttemptId, LeaseId } from '@muster/protocol'

export interface Holdings {
  readonly leases: ReadonlySet<LeaseId>
  readonly attempts: ReadonlySet<AttemptId>
}

/** What an agent holds by its own journal, asked once a link. */
export type HoldingsOf = (peer: AgentPeer) => Promise<Holdings>

const holdingsTimeoutMs = 5_000

/** Asks each link once and remembers the answer as long as the link lasts; a failed question may be asked again. */
export const createHoldings = (): HoldingsOf => {
  const asked = new WeakMap<AgentPeer, Promise<Holdings>>()
  return (peer) => {
    const known = asked.get(peer)
    if (known !== undefined) return known
    const answer = peer
      .call('holdings', {}, { timeoutMs: holdingsTimeoutMs })
      .then(({ leases, attempts }) => ({ leases: new Set(leases), attempts: new Set(attempts) }))
    asked.set(peer, answer)
    answer.catch(() => asked.delete(peer))
    return answer
  }
}
