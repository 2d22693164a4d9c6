import type { Address, AgentMessage, AgentPeer, Log, PeerHandlers, World } from '@muster/protocol'
import type { AllowedOffers } from '../admin/allowed-offers.ts'
import type { BenchmarkDesk } from '../benchmark/benchmark-desk.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { createHoldings, type HoldingsOf } from '../lease/holdings.ts'
import type { LeaseKeeper } from '../lease/lease-keeper.ts'
import { releaseStrays, type ReleaseStraysModules } from '../lease/release-strays.ts'
import type { UntoldClosings } from '../lease/untold-closings.ts'
import type { Store } from '../store/store.ts'
import type { Supply } from '../supply/supply.ts'

export interface LinkedAgentsModules extends Omit<ReleaseStraysModules, 'holdings'> {
  readonly world: World
  readonly store: Pick<Store, 'providers'>
  readonly supply: Supply
  /** Agents that are linked to this node. */
  readonly local: Pick<Supply, 'peer'>
  readonly cluster: Pick<Cluster, 'linkChanged'> | undefined
  readonly keeper: LeaseKeeper
  readonly holdings: HoldingsOf
  readonly untold: UntoldClosings
  readonly allowedOffers: Pick<AllowedOffers, 'forget'>
  readonly benchmarks: Pick<BenchmarkDesk, 'unlinked'>
  readonly onMessage: (peer: AgentPeer, message: AgentMessage) => void
  readonly phase: () => 'new' | 'running' | 'stopped'
  readonly isOver: () => boolean
  readonly log: Log
}

/** The agents that are linked to this node. */
export interface LinkedAgents {
  readonly handlers: PeerHandlers
  /** When one last said something (wall-clock ms); `undefined` where none of the provider is linked here. */
  heardAt(provider: Address): number | undefined
  /** Closes all links: their agents find another node. */
  sendAway(): void
  /** Asks all of them what they hold, and closes what nobody keeps. `isAnew`: whatever they said before. */
  releaseStrays(isAnew: boolean): void
}

export const createLinkedAgents = (modules: LinkedAgentsModules): LinkedAgents => {
  const { world, store, supply, local, cluster, keeper, untold, allowedOffers, benchmarks, phase, isOver, log } =
    modules
  const linked = new Set<AgentPeer>()
  const heardAt = new WeakMap<AgentPeer, number>()

  const markSeen = (peer: AgentPeer): void => {
    store.providers
      .markSeen(peer.provider, world.now())
      .catch((error: unknown) => log.info('could not note that an agent was seen', { error }))
  }

  return {
    handlers: {
      onOpen: (peer) => {
        if (isOver()) return
        linked.add(peer)
        heardAt.set(peer, world.now())
        supply.link(peer)
        cluster?.linkChanged(peer.provider)
        if (cluster !== undefined) untold.again(peer.provider)
        log.info('an agent is linked', { provider: peer.provider, epoch: peer.epoch })
        keeper.onLinked(peer)
        if (phase() === 'running') void releaseStrays(peer, modules)
      },
      onMessage: (peer, message) => {
        heardAt.set(peer, world.now())
        if (phase() === 'running' || (phase() === 'new' && message.type === 'offers')) modules.onMessage(peer, message)
      },
      onClose: (peer, reason) => {
        linked.delete(peer)
        allowedOffers.forget(peer)
        supply.unlink(peer)
        if (local.peer(peer.provider) === undefined) cluster?.linkChanged(peer.provider)
        benchmarks.unlinked(peer)
        log.info('an agent is no longer linked', { provider: peer.provider, epoch: peer.epoch, reason })
        if (isOver()) return
        markSeen(peer)
        keeper.onUnlinked(peer)
      },
    },
    heardAt: (provider) => {
      const peer = supply.peer(provider)
      return peer === undefined ? undefined : heardAt.get(peer)
    },
    sendAway: () => {
      for (const peer of [...linked]) peer.close('shutdown')
    },
    releaseStrays: (isAnew) => {
      const given = isAnew ? { ...modules, holdings: createHoldings() } : modules
      for (const peer of linked) void releaseStrays(peer, given)
    },
  }
}
