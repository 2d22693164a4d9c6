import {
  closingTree,
  coversResources,
  digestOf,
  gpuMismatch,
  inClosingOrder,
  MusterError,
  signRecord,
  termBetween,
  type Closing,
  type Order,
  type ReservationId,
  type Reveal,
  type SealedBid,
  type SignedClosing,
  type SignatureDomain,
  type Signer,
  type Verifier,
  type World,
  type Log,
} from '@muster/protocol'
import type { Sealed } from './solicit-bids.ts'

export interface OpenBidsModules {
  readonly world: World
  readonly signer: Signer
  readonly verifier: Verifier
  readonly domain: SignatureDomain
  readonly log: Log
}

/** How long bidders have to open their bids. */
export const revealMs = 3_000

/** A bid of the closing list, opened or not. */
export interface Opened {
  readonly sealed: Sealed
  readonly bid: SealedBid
}

/** What the bids are to be for. */
export interface Opening {
  readonly order: Order
  /** Reservations that leases of the job rest on. */
  readonly used: ReadonlySet<ReservationId>
  readonly closedAt: number
}

/** That a bid is of the offer it was asked for. What it says to an order is for the rule of the auction. */
const requireOffered = (
  { offer: { record: offer }, slots, peer, reservation }: Sealed,
  { order, used }: Opening,
  { reservation: { record } }: Reveal,
): void => {
  const gpus = gpuMismatch(record, offer, { resources: order.resources })
  const checks: readonly (readonly [string, unknown, unknown])[] = [
    ['provider', peer.provider, record.provider],
    ['offer', offer.id, record.offer],
    ['reservation', reservation, record.id],
    ['reservation', false, used.has(record.id)],
    ['slots', true, record.slots <= slots],
    ['resources', true, coversResources(offer.resources, record.resources)],
    [gpus?.field ?? 'gpus', gpus?.expected, gpus?.found],
    ['term', digestOf(termBetween(order, offer) ?? null), digestOf(record.term ?? null)],
  ]
  const wrong = checks.find(([, expected, found]) => expected !== found)
  if (wrong === undefined) return
  const [field, expected, found] = wrong
  throw new MusterError({
    code: 'record_invalid',
    message: `The opened bid is not of the offer it was asked for: ${field}.`,
    facts: { field, expected, found },
  })
}

/**
 * Signs the closing list, shows it to each bidder with the path of its own bid, and takes what opens the bids: resolves once all have
 * answered, or at the deadline. A bid that is not opened, or is of something else than was asked, has no reveal. Needs at least one bid.
 */
export const openBids = async (
  sealed: readonly Sealed[],
  opening: Opening,
  modules: OpenBidsModules,
): Promise<{ readonly closing: SignedClosing; readonly opened: readonly Opened[] }> => {
  const { signer, verifier, domain, log } = modules
  const listed = inClosingOrder(sealed.map(({ commitment }) => commitment.record))
  const places = new Map(listed.map((record, index) => [record.provider, index]))
  const { root, paths } = closingTree(listed)
  const [first] = listed
  if (first === undefined) throw new RangeError('an auction closes with at least one bid')
  const record: Closing = {
    kind: 'closing',
    market: domain.market,
    auction: first.auction,
    order: first.order,
    root,
    count: listed.length,
    closedAt: opening.closedAt,
    revealBy: opening.closedAt + revealMs,
  }
  const closing = signRecord(signer, domain, record)

  const open = async (one: Sealed): Promise<Opened> => {
    const { provider } = one.peer
    const path = [...(paths[places.get(provider) ?? -1] ?? [])]
    const { seal } = one.commitment.record
    const { signature } = one.commitment
    try {
      const reveal = await one.peer.call('reveal', { closing, path }, { timeoutMs: revealMs })
      verifier.requireSigner(domain, reveal.reservation, reveal.reservation.record.provider)
      requireOffered(one, opening, reveal)
      one.hold.shrink(reveal.reservation.record.slots)
      return { sealed: one, bid: { provider, seal, signature, reveal } }
    } catch (error) {
      log.info('a sealed bid was not opened', { provider, auction: record.auction, error })
      return { sealed: one, bid: { provider, seal, signature, reveal: null } }
    }
  }

  const opened = await Promise.all(sealed.map(open))
  const placeOf = ({ bid }: Opened): number => places.get(bid.provider) ?? 0
  return { closing, opened: opened.toSorted((a, b) => placeOf(a) - placeOf(b)) }
}
