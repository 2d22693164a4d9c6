import type { Address, AgentPeer, Publication, SignedOffer } from '@muster/protocol'
import type { Denials } from './denials.ts'

/** What linked agents published, without what is denied. */
export interface AllowedOffers {
  /** The publication as the auction may see it; it is kept, to be looked at again when denials change. */
  take(peer: AgentPeer, publication: Publication): Publication
  forget(peer: AgentPeer): void
  /** Whether its provider or its region is denied, wherever its agent is linked. */
  isDenied(offer: SignedOffer): boolean
  regionsOf(provider: Address): ReadonlySet<string>
  /** Calls back for every agent of whose offers others are allowed now, with all it published. */
  again(publish: (peer: AgentPeer, publication: Publication) => void): void
}

interface Published {
  readonly publication: Publication
  /** Those of its offers that were allowed when it was taken. */
  readonly allowed: readonly SignedOffer[]
}

export const createAllowedOffers = (denials: Denials): AllowedOffers => {
  const published = new Map<AgentPeer, Published>()
  const peers = new Map<Address, AgentPeer>()

  const isDenied = ({ record }: SignedOffer): boolean =>
    denials.ofProvider(record.provider, [record.region]) !== undefined

  const allowedOf = ({ offers }: Publication): readonly SignedOffer[] => offers.filter((offer) => !isDenied(offer))

  return {
    isDenied,
    take: (peer, publication) => {
      const allowed = allowedOf(publication)
      published.set(peer, { publication, allowed })
      peers.set(peer.provider, peer)
      return allowed.length === publication.offers.length ? publication : { ...publication, offers: [...allowed] }
    },
    forget: (peer) => {
      published.delete(peer)
      if (peers.get(peer.provider) === peer) peers.delete(peer.provider)
    },
    regionsOf: (provider) => {
      const peer = peers.get(provider)
      const offers = peer === undefined ? [] : (published.get(peer)?.publication.offers ?? [])
      return new Set(offers.map(({ record }) => record.region))
    },
    again: (publish) => {
      for (const [peer, { publication, allowed }] of [...published]) {
        const now = allowedOf(publication)
        if (now.length === allowed.length && now.every((offer, index) => offer === allowed[index])) continue
        publish(peer, publication)
      }
    },
  }
}
