import {
  MusterError,
  type AgentPeer,
  type Publication,
  type SignatureDomain,
  type SignedOffer,
  type Verifier,
  type World,
} from '@muster/protocol'
import type { Supply } from './supply.ts'

export interface PublishOffersModules {
  readonly world: World
  readonly verifier: Verifier
  readonly supply: Supply
  readonly domain: SignatureDomain
}

const requireCurrent = ({ record }: SignedOffer, peer: AgentPeer, domain: SignatureDomain, now: number): void => {
  const refuse = (code: 'record_invalid' | 'record_expired', message: string, expected: unknown, found: unknown) => {
    throw new MusterError({ code, message, facts: { offer: record.id, expected, found } })
  }
  if (record.market !== domain.market)
    refuse('record_invalid', 'This offer is for another market.', domain.market, record.market)
  if (record.provider !== peer.provider)
    refuse('record_invalid', 'This offer is by another provider.', peer.provider, record.provider)
  if (record.expiresAt <= now)
    refuse('record_expired', 'This offer has expired; publish a new one.', `after ${now}`, record.expiresAt)
}

/** Replaces a peer's standing offers. All or none: throws `signature_invalid`, `record_invalid` or `record_expired`. */
export const publishOffers = (peer: AgentPeer, publication: Publication, modules: PublishOffersModules): void => {
  const now = modules.world.now()
  for (const offer of publication.offers) {
    requireCurrent(offer, peer, modules.domain, now)
    modules.verifier.requireSigner(modules.domain, offer, peer.provider)
  }
  modules.supply.replace(peer, publication)
}
