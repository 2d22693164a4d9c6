import {
  MusterError,
  digestOf,
  rankOffers,
  type AgentPeer,
  type Digest,
  type Log,
  type SignatureDomain,
  type SignedOffer,
  type SignedOrder,
  type SignedReservation,
  type Verifier,
  type World,
} from '@muster/protocol'
import type { Supply } from '../supply/supply.ts'

/** A winning bid: a reservation held by a linked agent. */
export interface Award {
  readonly peer: AgentPeer
  readonly reservation: SignedReservation
}

export interface RunAuctionModules {
  readonly world: World
  readonly supply: Supply
  readonly verifier: Verifier
  readonly domain: SignatureDomain
  readonly log: Log
}

/** How long a winning reservation must hold: time to write the lease and tell the agent. */
export const reservationTtlMs = 10_000
const reserveTimeoutMs = 3_000

const requireBid = (
  reservation: SignedReservation,
  offer: SignedOffer,
  orderDigest: Digest,
  slots: number,
  { world, verifier, domain }: RunAuctionModules,
): void => {
  verifier.requireSigner(domain, reservation, offer.record.provider)
  const { record } = reservation
  const { price } = offer.record
  const checks: readonly (readonly [string, unknown, unknown])[] = [
    ['market', domain.market, record.market],
    ['provider', offer.record.provider, record.provider],
    ['order', orderDigest, record.order],
    ['offer', offer.record.id, record.offer],
    ['slots', slots, record.slots],
    ['price', `${price.nanoUsd} per ${price.per}`, `${record.price.nanoUsd} per ${record.price.per}`],
    ['expiry', true, record.expiresAt > world.now()],
  ]
  const wrong = checks.find(([, expected, found]) => expected !== found)
  if (wrong === undefined) return
  const [field, expected, found] = wrong
  throw new MusterError({
    code: 'record_invalid',
    message: `The agent’s reservation does not match the order: ${field}.`,
    facts: { field, expected, found },
  })
}

/**
 * The instant auction: asks the best standing offers to reserve, cheapest first, until `slots` slots are held or no offer is left.
 * An agent that refuses, is silent or answers garbage is passed over and its offer stands aside until it publishes again.
 */
export const runAuction = async (order: SignedOrder, slots: number, modules: RunAuctionModules): Promise<Award[]> => {
  const { world, supply, log } = modules
  const orderDigest = digestOf(order.record)
  const awards: Award[] = []
  let missing = slots
  const ranked = rankOffers(order.record, supply.free(), world.now())

  const reserve = async (offer: SignedOffer, wanted: number): Promise<number> => {
    const { provider, id } = offer.record
    const peer = supply.peer(provider)
    if (peer === undefined) return 0
    supply.take(provider, id, wanted)
    try {
      const request = { order, offer: id, slots: wanted, ttlMs: reservationTtlMs }
      const reservation = await peer.call('reserve', request, { timeoutMs: reserveTimeoutMs })
      requireBid(reservation, offer, orderDigest, wanted, modules)
      awards.push({ peer, reservation })
      return wanted
    } catch (error) {
      supply.take(provider, id, Number.MAX_SAFE_INTEGER)
      log.info('an agent did not honour its offer', { provider, offer: id, wanted, error })
      return 0
    }
  }

  while (missing > 0 && ranked.length > 0) {
    const round: Promise<number>[] = []
    let asked = 0
    while (asked < missing) {
      const offer = ranked.shift()
      if (offer === undefined) break
      const wanted = Math.min(missing - asked, supply.freeSlots(offer))
      if (wanted === 0) continue
      asked += wanted
      round.push(reserve(offer, wanted))
    }
    const held = await Promise.all(round)
    missing -= held.reduce((sum, count) => sum + count, 0)
  }
  return awards
}
