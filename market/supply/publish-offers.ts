import {
  MusterError,
  digestOf,
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

/** Each costs a recovery of its key. */
const mostAttestations = 16

/**
 * That auditors signed what the offer carries, about this provider. One that has expired does no harm: it counts for nothing.
 * `checked` has the signatures of this publication that were found good: its offers mostly carry the same.
 */
const requireAttested = (
  { record }: SignedOffer,
  { verifier, domain }: PublishOffersModules,
  checked: Set<string>,
): void => {
  for (const attestation of record.attestations ?? []) {
    if (attestation.record.provider !== record.provider)
      throw new MusterError({
        code: 'record_invalid',
        message: 'This offer carries an attestation of another provider.',
        facts: { offer: record.id, expected: record.provider, found: attestation.record.provider },
      })
    const key = digestOf(attestation)
    if (checked.has(key)) continue
    if (checked.size >= mostAttestations)
      throw new MusterError({
        code: 'record_invalid',
        message: `The offers of one publication carry more than ${mostAttestations} different attestations.`,
        facts: { offer: record.id, expected: mostAttestations },
      })
    verifier.requireSigner(domain, attestation, attestation.record.auditor)
    checked.add(key)
  }
}

/** Replaces a peer's standing offers. All or none: throws `signature_invalid`, `record_invalid` or `record_expired`. */
export const publishOffers = (peer: AgentPeer, publication: Publication, modules: PublishOffersModules): void => {
  const now = modules.world.now()
  const checked = new Set<string>()
  for (const offer of publication.offers) {
    requireCurrent(offer, peer, modules.domain, now)
    modules.verifier.requireSigner(modules.domain, offer, peer.provider)
    requireAttested(offer, modules, checked)
  }
  modules.supply.replace(peer, publication)
}
