import {
  MusterError,
  digestOf,
  maxClockSkewMs,
  rankOffers,
  type Address,
  type AgentPeer,
  type Digest,
  type Job,
  type Log,
  type SignatureDomain,
  type SignedOffer,
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
  { record }: SignedReservation,
  offer: SignedOffer,
  order: Digest,
  slots: number,
  { world, domain }: RunAuctionModules,
): void => {
  const { price, resources } = offer.record
  const checks: readonly (readonly [string, unknown, unknown])[] = [
    ['market', domain.market, record.market],
    ['provider', offer.record.provider, record.provider],
    ['order', order, record.order],
    ['offer', offer.record.id, record.offer],
    ['slots', slots, record.slots],
    ['resources', digestOf(resources), digestOf(record.resources)],
    ['price', `${price.nanoUsd} per ${price.per}`, `${record.price.nanoUsd} per ${record.price.per}`],
    ['expiry', true, record.expiresAt + maxClockSkewMs > world.now()],
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

/** Asked again with the same order and offer, an agent may answer with the reservation that a lease of the job rests on. */
const servesAlready = (reservation: string): MusterError =>
  new MusterError({
    code: 'capacity_taken',
    message: 'This reservation serves a lease of the job already.',
    facts: { reservation },
  })

/** What an agent answers that has fewer slots than it offered: no breach of its word, its offer was out of date. */
const isOutdated = (error: unknown): boolean =>
  error instanceof MusterError &&
  (error.code === 'capacity_taken' || error.code === 'record_expired' || error.code === 'rate_limited')

/** The cheapest first; those that lost or refused a lease of this job before come last, whatever they ask. */
const rank = (job: Job, supply: Supply, now: number): SignedOffer[] => {
  const offers = rankOffers(job.order.record, supply.free(), now)
  const failed = new Set<Address>()
  for (const { provider, closed } of job.leases.values())
    if (closed === 'lost' || closed === 'refused') failed.add(provider)
  if (failed.size === 0) return offers
  const isFresh = ({ record }: SignedOffer) => !failed.has(record.provider)
  return [...offers.filter(isFresh), ...offers.filter((offer) => !isFresh(offer))]
}

/**
 * The instant auction: asks the best standing offers to reserve, cheapest first, until `slots` slots are held or no offer is left.
 * An offer that is out of date stands aside; an agent that is silent or answers garbage rests.
 */
export const runAuction = async (job: Job, slots: number, modules: RunAuctionModules): Promise<Award[]> => {
  const { world, supply, verifier, domain, log } = modules
  const { order } = job
  const ranked = rank(job, supply, world.now())
  if (ranked.length === 0) return []
  const orderDigest = digestOf(order.record)
  const used = new Set([...job.leases.values()].map(({ reservation }) => reservation.record.id))
  const awards: Award[] = []

  const ask = async (peer: AgentPeer, offer: SignedOffer, wanted: number): Promise<number> => {
    const request = { order, offer: offer.record.id, slots: wanted, ttlMs: reservationTtlMs }
    const reservation = await peer.call('reserve', request, { timeoutMs: reserveTimeoutMs })
    verifier.requireSigner(domain, reservation, offer.record.provider)
    if (used.has(reservation.record.id)) throw servesAlready(reservation.record.id)
    requireBid(reservation, offer, orderDigest, wanted, modules)
    used.add(reservation.record.id)
    awards.push({ peer, reservation })
    supply.trust(offer.record.provider)
    return wanted
  }

  const reserve = async (offer: SignedOffer, wanted: number): Promise<number> => {
    const { provider, id } = offer.record
    const peer = supply.peer(provider)
    if (peer === undefined) return 0
    supply.take(provider, id, wanted)
    try {
      return await ask(peer, offer, wanted)
    } catch (error) {
      log.info('an agent did not honour its offer', { provider, offer: id, wanted, error })
      if (isOutdated(error)) supply.standAside(provider, id)
      else supply.rest(provider)
      return 0
    }
  }

  let missing = slots
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
