import {
  awardSealed,
  digestOf,
  newId,
  sealOf,
  signRecord,
  writeScores,
  type Address,
  type AuctionId,
  type AuctionTerms,
  type Job,
  type Reveal,
  type Scores,
  type SignedTranscript,
  type Signer,
  type Transcript,
} from '@muster/protocol'
import type { PlantedBug } from '../planted-bug.ts'
import { findBidders } from './find-bidders.ts'
import { openBids, revealMs, type Opened } from './open-bids.ts'
import { reservationTtlMs, type Award, type RunAuctionModules } from './run-auction.ts'
import { solicitBids, type Sealed } from './solicit-bids.ts'
import { unfairAward } from './unfair-award.ts'

export interface RunSealedModules extends RunAuctionModules {
  readonly signer: Signer
  readonly bugs: ReadonlySet<PlantedBug>
}

/** An auction without a bid. */
export interface VainAuction {
  readonly solicited: number
  readonly late: readonly unknown[]
}

/** How a sealed auction is told of. */
export interface SealedOutlets {
  readonly onDeclined: (provider: Address) => void
  /** Nobody bid in time. What comes late is still added to `late`. */
  readonly onVain: (vain: VainAuction) => void
  readonly hasDeclined: (provider: Address) => boolean
  /** Keeps the transcript, durably, before anybody hears of the award. Resolves to `false` where the job wants nothing any more. */
  readonly keep: (transcript: SignedTranscript) => Promise<boolean>
  readonly onAward: (won: Award) => Promise<void>
}

const scoresOf = async (
  job: Job,
  opened: readonly Opened[],
  records: RunAuctionModules['records'],
): Promise<Scores | null> => {
  if (job.order.record.award === 'lowest') return null
  const providers = opened.flatMap(({ bid }) => (bid.reveal === null ? [] : [bid.provider]))
  const reliabilityOf = await records.expect(providers, job)
  return writeScores(records.workOf(job), new Map(providers.map((provider) => [provider, reliabilityOf(provider)])))
}

/** Tells a bidder that the auction is over and gives back what did not win. */
const end = (auction: AuctionId, opened: readonly Opened[], transcript: SignedTranscript | undefined): void => {
  const digest = transcript === undefined ? null : digestOf(transcript.record)
  const won = new Set(transcript?.record.award.winners.map(({ provider }) => provider))
  for (const { sealed } of opened) {
    const { peer, hold } = sealed
    const hasWon = won.has(peer.provider)
    if (!hasWon) hold.giveBack()
    peer.send({ type: 'auction-over', auction, hasWon, bids: opened.length, transcript: digest })
  }
}

/** The awards of a transcript. What a winner reserved beyond what it won is given back. */
const awardsOf = ({ record }: SignedTranscript, opened: readonly Opened[], modules: RunSealedModules): Award[] => {
  const byProvider = new Map(opened.map((each) => [each.bid.provider, each]))
  const transcript = digestOf(record)
  return record.award.winners.flatMap(({ provider, slots, price }): Award[] => {
    const found = byProvider.get(provider)
    const reservation = found?.bid.reveal?.reservation
    if (found === undefined || reservation === undefined) return []
    const { peer, offer, hold } = found.sealed
    hold.shrink(slots)
    modules.supply.trust(provider)
    return [{ peer, reservation, offer, hold, sealed: { slots, price, auction: record.auction, transcript } }]
  })
}

const opensAsSealed = ({ commitment: { record } }: Sealed, reveal: Reveal | null): boolean => {
  if (reveal === null) return false
  const { auction, order, provider, seal } = record
  const { reservation, salt } = reveal
  return sealOf({ auction, order, provider, reservation: digestOf(reservation.record), salt }) === seal
}

/** Those that sealed a bid and did not open it, or opened another, broke their word. */
const noteUnopened = (opened: readonly Opened[], { supply, records }: RunSealedModules): void => {
  for (const { bid, sealed } of opened) {
    if (opensAsSealed(sealed, bid.reveal)) continue
    records.refused(bid.provider)
    supply.refuse(bid.provider, sealed.offer.record.id)
  }
}

/**
 * The sealed auction, docs/spec/auction.md: asks the agents that fit for sealed bids until the window is over, binds itself to those that
 * came by a signed list, has them opened, awards by the order’s rule, and keeps all of it as a signed transcript before the first
 * lease. What did not win is given back at once. Resolves to the slots that were awarded.
 */
export const runSealed = async (
  job: Job,
  terms: AuctionTerms,
  slots: number,
  outlets: SealedOutlets,
  modules: RunSealedModules,
): Promise<number> => {
  const { world, domain, signer, records, bugs, log } = modules
  const { order } = job
  const bidders = await findBidders(job, slots, outlets.hasDeclined, modules)
  if (bidders.length === 0) return 0
  const auction = newId(world, 'auction')
  const openedAt = world.now()
  const { windowMs } = terms
  const solicitation = { auction, order, windowMs, holdMs: revealMs + reservationTtlMs, closesAt: openedAt + windowMs }
  const { inTime, late } = await solicitBids(solicitation, bidders, outlets.onDeclined, modules)
  if (inTime.length === 0) {
    outlets.onVain({ solicited: bidders.length, late })
    return 0
  }
  const used = new Set([...job.leases.values()].map(({ reservation }) => reservation.record.id))
  const closedAt = Math.max(world.now(), solicitation.closesAt)
  const { closing, opened } = await openBids(inTime, { order: order.record, used, closedAt }, modules)
  noteUnopened(opened, modules)
  let kept: SignedTranscript | undefined
  try {
    const bids = opened.map(({ bid }) => bid)
    const lateBids = late.map(({ commitment: { record, signature } }) => ({
      provider: record.provider,
      seal: record.seal,
      signature,
    }))
    const scores = await scoresOf(job, opened, records)
    const awardedAt = Math.max(world.now(), closedAt)
    const decided = {
      order: order.record,
      wanted: slots,
      closing: closing.record,
      bids,
      late: lateBids,
      scores,
      awardedAt,
    }
    const transcript: Transcript = {
      kind: 'transcript',
      market: domain.market,
      auction,
      job: job.id,
      order,
      wanted: slots,
      solicited: bidders.length,
      openedAt,
      closing,
      bids,
      late: lateBids,
      scores,
      award: bugs.has('unfair-award') ? unfairAward(decided) : awardSealed(decided),
      awardedAt,
    }
    const signed = signRecord(signer, domain, transcript)
    if (await outlets.keep(signed)) kept = signed
  } catch (error) {
    log.warn('a sealed auction could not be kept', { job: job.id, auction, error })
  }
  end(auction, opened, kept)
  if (kept === undefined) return 0
  await Promise.all(awardsOf(kept, opened, modules).map(outlets.onAward))
  return kept.record.award.winners.reduce((sum, winner) => sum + winner.slots, 0)
}
