import type { AgentPeer, Log, Publication } from '@muster/protocol'
import type { AllowedOffers } from '../admin/allowed-offers.ts'
import type { Denials } from '../admin/denials.ts'
import type { BenchmarkDesk } from '../benchmark/benchmark-desk.ts'
import { createPaceOffers } from './pace-offers.ts'
import { publishOffers, type PublishOffersModules } from './publish-offers.ts'

export interface TakeOffersModules extends PublishOffersModules {
  readonly allowedOffers: AllowedOffers
  readonly denials: Denials
  readonly benchmarks: Pick<BenchmarkDesk, 'offered'>
  readonly log: Log
}

/**
 * Takes what agents publish into the supply, no faster than each may, without what is denied, and looks at it again
 * when denials change. What is wrong with it goes into the log.
 */
export const createTakeOffers = (modules: TakeOffersModules): ((peer: AgentPeer, publication: Publication) => void) => {
  const { world, supply, allowedOffers, denials, benchmarks, log } = modules

  const take = (peer: AgentPeer, publication: Publication): void => {
    try {
      const allowed = allowedOffers.take(peer, publication)
      publishOffers(peer, allowed, modules)
      benchmarks.offered(
        peer,
        allowed.offers.map(({ record }) => record),
      )
    } catch (error) {
      log.warn('refused the offers of an agent', { provider: peer.provider, error })
    }
  }

  denials.onChange(() => {
    const now = world.now()
    allowedOffers.again((peer, { offers, ...rest }) =>
      take(peer, { ...rest, offers: offers.filter(({ record }) => record.expiresAt > now) }),
    )
  })

  return createPaceOffers({ world, isLinked: (peer) => supply.peer(peer.provider) === peer, publish: take })
}
