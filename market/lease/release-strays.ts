import type { AgentPeer, LeaseId, Log, World } from '@muster/protocol'
import type { Supply } from '../supply/supply.ts'
import type { HoldingsOf } from './holdings.ts'
import type { LeaseKeeper } from './lease-keeper.ts'
import type { TellClosed } from './tell-closed.ts'

export interface ReleaseStraysModules {
  readonly world: World
  readonly supply: Supply
  readonly holdings: HoldingsOf
  readonly keeper: LeaseKeeper
  readonly tellClosed: TellClosed
  /** Those of the leases that no other node keeps. */
  readonly findStrays?: (leases: readonly LeaseId[]) => Promise<readonly LeaseId[]>
  readonly log: Log
}

const retryMs = 5_000
/** Leases closed behind an agent's back at most: more than any machine has slots. What it names beyond that is invented. */
const maxStrays = 4_096

/** Closes the leases an agent still holds that this market closed while it was out of reach. Asks again while the link lasts. */
export const releaseStrays = async (peer: AgentPeer, modules: ReleaseStraysModules): Promise<void> => {
  const { world, supply, holdings, keeper, tellClosed, findStrays, log } = modules
  try {
    const { leases } = await holdings(peer)
    const notHere = [...leases].filter((lease) => !keeper.has(lease))
    const unknown = findStrays === undefined ? notHere : await findStrays(notHere)
    const strays = unknown.filter((lease) => !keeper.has(lease)).slice(0, maxStrays)
    if (strays.length < unknown.length) {
      log.warn('an agent names more leases than it can hold', { provider: peer.provider, found: unknown.length })
    }
    await Promise.all(strays.map((lease) => tellClosed(peer.provider, lease)))
  } catch (error) {
    log.info('could not ask an agent what it holds; asking again', { provider: peer.provider, error })
    world.after(retryMs, () => {
      if (supply.peer(peer.provider) === peer) void releaseStrays(peer, modules)
    })
  }
}
