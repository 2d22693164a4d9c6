import type {
  Address,
  AuctionId,
  Hex,
  SignedAcknowledgement,
  SignedClosing,
  SignedCommitment,
  SignedLease,
  SignedOrder,
  SignedTranscript,
  Timer,
} from '@muster/protocol'
import type { HeldReservation } from '../book/book.ts'

/** A sealed bid of ours, kept from the answer until its auction was looked at. */
export interface HeldBid {
  readonly auction: AuctionId
  readonly market: Address
  readonly order: SignedOrder
  readonly reservation: HeldReservation
  readonly salt: Hex
  readonly commitment: SignedCommitment
  readonly closesAt: number
  acknowledgement: SignedAcknowledgement | null
  /** The list it was opened for: the market may show one only. */
  closing: SignedClosing | null
  isOpened: boolean
  isOver: boolean
  timer: Timer | null
}

/** What shows that a market did not run an auction by its rule, for anyone to check. */
export interface AuctionProof {
  readonly chainId: number
  readonly auction: AuctionId
  /** `unfair`: the award is not the rule's. `excluded`: an acknowledged bid is in no list. `two-lists`: it signed two. `altered`: the bid is not as it was made. `other-lease`: the lease is not what the rule gives. */
  readonly breach: 'unfair' | 'excluded' | 'two-lists' | 'altered' | 'other-lease'
  readonly message: string
  /** Null where the agent has restarted since it bid. */
  readonly commitment: SignedCommitment | null
  readonly acknowledgement: SignedAcknowledgement | null
  readonly closing: SignedClosing | null
  /** The other one, where it signed two. */
  readonly secondClosing: SignedClosing | null
  readonly transcript: SignedTranscript | null
  /** The one that is not what the rule gives. */
  readonly lease: SignedLease | null
}

/** The sealed bids of an agent: in memory, since a bid whose salt is lost is one that is not opened. */
export interface Bids {
  readonly held: Map<AuctionId, HeldBid>
  /** The last transcripts of auctions that a lease is still to come of. */
  readonly read: Map<AuctionId, SignedTranscript>
  /** Leases that came before the transcript that says what they must be. */
  readonly leases: Map<AuctionId, SignedLease>
  /** Auctions whose transcript is to be asked for, by market, and the one that was asked for. */
  readonly wanted: Map<Address, Set<AuctionId>>
  readonly asked: Map<Address, { readonly auction: AuctionId; readonly timer: Timer }>
}

export const newBids = (): Bids => ({
  held: new Map(),
  read: new Map(),
  leases: new Map(),
  wanted: new Map(),
  asked: new Map(),
})

/** Keeps no more than so many, the newest. */
export const keepNewest = <Kept>(kept: Map<AuctionId, Kept>, auction: AuctionId, one: Kept, most: number): void => {
  kept.delete(auction)
  kept.set(auction, one)
  const [oldest] = kept.keys()
  if (kept.size > most && oldest !== undefined) kept.delete(oldest)
}
