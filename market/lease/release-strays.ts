import type { AgentPeer, Log } from '@muster/protocol'
import type { HoldingsOf } from './holdings.ts'
import type { LeaseKeeper } from './lease-keeper.ts'

export interface ReleaseStraysModules {
  readonly holdings: HoldingsOf
  readonly keeper: LeaseKeeper
  readonly log: Log
}

/** Closes the leases an agent still holds that this market closed while it was out of reach. */
export const releaseStrays = async (
  peer: AgentPeer,
  { holdings, keeper, log }: ReleaseStraysModules,
): Promise<void> => {
  try {
    const { leases } = await holdings(peer)
    for (const lease of leases) if (!keeper.has(lease)) await peer.call('close-lease', { lease }, { timeoutMs: 5_000 })
  } catch (error) {
    log.info('could not ask an agent what it holds; asked again when it links again', {
      provider: peer.provider,
      error,
    })
  }
}
