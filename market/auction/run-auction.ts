import {
  MusterError,
  digestOf,
  gpuMismatch,
  maxClockSkewMs,
  termBetween,
  type Address,
  type AgentPeer,
  type AuctionId,
  type Digest,
  type Job,
  type LeaseDemand,
  type LinkRequest,
  type Log,
  type Order,
  type Price,
  type Reservation,
  type SignatureDomain,
  type SignedOffer,
  type SignedReservation,
  type Timer,
  type Verifier,
  type World,
} from '@muster/protocol'
import type { BondCover } from '../ledger/bond-cover.ts'
import type { ProviderRecords } from '../provider/provider-records.ts'
import type { Hold } from '../supply/holds.ts'
import type { Supply } from '../supply/supply.ts'
import { createCandidates } from './candidates.ts'
import type { FindOffers } from './find-offers.ts'
import { releaseAward } from './release-award.ts'

/** A winning bid: a reservation held by a linked agent. */
export interface Award {
  readonly peer: AgentPeer
  readonly reservation: SignedReservation
  /** What the reservation is of. */
  readonly offer: SignedOffer
  readonly hold: Hold
  /** What a sealed auction gives it of what it reserved, and at which price; left out, all of it at its own. */
  readonly sealed?: {
    readonly slots: number
    readonly price: Price
    readonly auction: AuctionId
    /** Digest. */
    readonly transcript: Digest
  }
}

export interface RunAuctionModules {
  readonly world: World
  readonly supply: Supply
  readonly findOffers: FindOffers
  /** How long the market's leases last where an order does not say. */
  readonly termMs: number
  readonly verifier: Verifier
  readonly domain: SignatureDomain
  readonly bondCover: BondCover
  readonly records: Pick<ProviderRecords, 'expect' | 'workOf' | 'refused'>
  readonly log: Log
}

/** How long a winning reservation must hold: time to write the lease and tell the agent. */
export const reservationTtlMs = 10_000
const reserveTimeoutMs = 3_000
/** How long an answer may take before others are asked for the same slots. */
const hedgeAfterMs = 300
/** How long a won slot waits for the other answers, so that the job's leases open together. */
const gatherMs = 3
/** How long a provider that does not serve an order is not asked for it again: its policy may change. */
export const declinedMs = 60_000
/** What an auction takes at most; a job that still wants slots then is looked at again. */
const auctionMs = 5_000

/** The order that was asked for. */
interface Asked {
  readonly digest: Digest
  readonly issuedAt: number
  readonly resources: Order['resources']
  readonly lease?: LeaseDemand
}

/** Not before the order it answers nor after now, as far as clocks may differ: what a receipt will be checked for. */
const isIssuedBetween = (orderedAt: number, { issuedAt }: Reservation, now: number): boolean =>
  issuedAt + 2 * maxClockSkewMs >= orderedAt && issuedAt <= now + maxClockSkewMs

const requireBid = (
  { record }: SignedReservation,
  offer: SignedOffer,
  order: Asked,
  slots: number,
  { world, domain }: RunAuctionModules,
): void => {
  const { price, resources } = offer.record
  const gpus = gpuMismatch(record, offer.record, order)
  const checks: readonly (readonly [string, unknown, unknown])[] = [
    ['market', domain.market, record.market],
    ['provider', offer.record.provider, record.provider],
    ['order', order.digest, record.order],
    ['offer', offer.record.id, record.offer],
    ['slots', slots, record.slots],
    ['resources', digestOf(resources), digestOf(record.resources)],
    [gpus?.field ?? 'gpus', gpus?.expected, gpus?.found],
    ['price', `${price.nanoUsd} per ${price.per}`, `${record.price.nanoUsd} per ${record.price.per}`],
    ['term', digestOf(termBetween(order, offer.record) ?? null), digestOf(record.term ?? null)],
    ['time of issue', true, isIssuedBetween(order.issuedAt, record, world.now())],
    ['expiry', true, record.expiresAt + maxClockSkewMs > world.now() && record.expiresAt >= record.issuedAt],
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

/** What an agent answers that has fewer slots than it offered: no breach of its word, its offer was out of date. */
const isOutdated = (error: unknown): boolean =>
  error instanceof MusterError &&
  (error.code === 'capacity_taken' || error.code === 'record_expired' || error.code === 'rate_limited')

/** What an agent answers whose provider does not serve this tenant: it kept its word, and its offer stands for others. */
const isDeclined = (error: unknown): boolean => error instanceof MusterError && error.code === 'forbidden'

/** An offer being asked for slots. */
interface Ask {
  readonly wanted: number
  /** It took so long that others are asked for the same slots. */
  isSlow: boolean
}

/** Says along, where more slots are asked for than the order names, who asked for them. */
const resized = ({ order, resizes }: Job, slots: number): Pick<LinkRequest<'reserve'>, 'resize'> => {
  const resize = resizes.at(-1)
  return resize !== undefined && slots > order.record.slots ? { resize } : {}
}

/**
 * The instant auction: asks the best standing offers to reserve, by the order’s rule of award, until `slots` slots are held, no offer is
 * left, or its time is over. Offers whose provider has no stake for a slot's bond are passed over; where an answer takes
 * long the next ones are asked beside it, and what is reserved in vain is released.
 * An offer that is out of date stands aside; an agent that is silent, answers garbage or refuses again and again rests.
 * A provider that does not serve this order goes into `declined` (with the `elapsed` it said so), and is not asked for a minute.
 * Each award is given to `onAward` as it is won. Resolves to the slots held.
 */
export const runAuction = async (
  job: Job,
  slots: number,
  onAward: (won: Award) => Promise<void>,
  modules: RunAuctionModules,
  declined = new Map<Address, number>(),
): Promise<number> => {
  const { world, supply, verifier, domain, records, log } = modules
  const { order } = job
  const candidates = createCandidates(job, modules)
  await candidates.lookUp(slots)
  const { offers, covered } = candidates
  if (offers.length === 0) return 0
  const { issuedAt, resources, lease } = order.record
  const asked: Asked = {
    digest: digestOf(order.record),
    issuedAt,
    resources,
    ...(lease === undefined ? {} : { lease }),
  }
  const used = new Set([...job.leases.values()].map(({ reservation }) => reservation.record.id))
  const awarded: Promise<void>[] = []
  const won: Award[] = []
  let gathering: Timer | undefined
  const asks = new Map<Address, Ask>()
  let held = 0
  let isOver = false
  let isLookingUp = false

  /** Asked again with the same order and offer, an agent may answer with the reservation that a lease of the job rests on: none. */
  const ask = async (peer: AgentPeer, offer: SignedOffer, wanted: number, hold: Hold): Promise<Award | undefined> => {
    const request = { order, offer: offer.record.id, slots: wanted, ttlMs: reservationTtlMs, ...resized(job, wanted) }
    const reservation = await peer.call('reserve', request, { timeoutMs: reserveTimeoutMs })
    verifier.requireSigner(domain, reservation, offer.record.provider)
    if (used.has(reservation.record.id)) return undefined
    requireBid(reservation, offer, asked, wanted, modules)
    used.add(reservation.record.id)
    hold.name(reservation.record.id)
    supply.trust(offer.record.provider)
    return { peer, reservation, offer, hold }
  }

  const reserve = async (offer: SignedOffer, peer: AgentPeer, wanted: number): Promise<void> => {
    const { provider, id } = offer.record
    const hold = supply.take(provider, wanted)
    try {
      const award = await ask(peer, offer, wanted, hold)
      if (award === undefined) {
        supply.standAside(provider, id)
        hold.giveBack()
      } else if (!isOver && held + wanted <= slots) {
        held += wanted
        covered.set(provider, (covered.get(provider) ?? 0) - wanted)
        won.push(award)
        gathering ??= world.after(gatherMs, deliver)
      } else void releaseAward(award, log)
    } catch (error) {
      if (isDeclined(error) && asks.get(provider)?.isSlow !== true) {
        log.debug('a provider does not serve this order', { provider, offer: id, error })
        declined.set(provider, world.elapsed())
        hold.giveBack()
        return
      }
      log.info('an agent did not honour its offer', { provider, offer: id, wanted, error })
      records.refused(provider)
      if (isOutdated(error)) supply.refuse(provider, id)
      else supply.rest(provider)
      hold.giveBack()
    }
  }

  const hasDeclined = (provider: Address): boolean => {
    const at = declined.get(provider)
    return at !== undefined && world.elapsed() - at < declinedMs
  }

  const deliver = (): void => {
    gathering?.cancel()
    gathering = undefined
    awarded.push(...won.splice(0).map(onAward))
  }

  const over = Promise.withResolvers<void>()
  const end = (): void => {
    isOver = true
    deliver()
    over.resolve()
  }

  const start = (peer: AgentPeer, offer: SignedOffer, wanted: number): void => {
    const { provider } = offer.record
    const asking: Ask = { wanted, isSlow: false }
    asks.set(provider, asking)
    const timer = world.after(hedgeAfterMs, () => {
      asking.isSlow = true
      fill()
    })
    void reserve(offer, peer, wanted).then(() => {
      timer.cancel()
      asks.delete(provider)
      fill()
    })
  }

  /** Asks for what is neither held nor expected soon: each provider for one offer at a time. */
  const fill = (): void => {
    if (isOver) return
    let expected = held
    for (const { wanted, isSlow } of asks.values()) if (!isSlow) expected += wanted
    for (let at = 0; at < offers.length && expected < slots;) {
      const offer = offers[at]
      if (offer === undefined) break
      const { provider } = offer.record
      if (asks.has(provider)) {
        at++
        continue
      }
      offers.splice(at, 1)
      const peer = supply.peer(provider)
      const wanted = Math.min(slots - expected, supply.freeSlots(offer), covered.get(provider) ?? 0)
      if (peer === undefined || wanted <= 0 || hasDeclined(provider)) continue
      expected += wanted
      start(peer, offer, wanted)
    }
    if (held >= slots) end()
    else if (expected < slots && !candidates.isExhausted()) lookUp(slots - expected)
    else if (asks.size === 0) end()
  }

  /** Those looked up so far did not do: goes on to dearer ones. */
  const lookUp = (missing: number): void => {
    if (isLookingUp) return
    isLookingUp = true
    candidates
      .lookUp(missing)
      .then(() => {
        isLookingUp = false
        fill()
      })
      .catch((error: unknown) => {
        log.warn('an auction could not look up more offers', { order: order.record.id, error })
        end()
      })
  }

  const deadline = world.after(auctionMs, end)
  fill()
  await over.promise
  deadline.cancel()
  await Promise.all(awarded)
  return held
}
