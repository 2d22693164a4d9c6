import type {
  Address,
  AuctionId,
  Hex,
  SignedAcknowledgement,
  SignedClosing,
  SignedCommitment,
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
  /** `unfair`: the award is not the rule's. `excluded`: an acknowledged bid is in no list. `two-lists`: it signed two. `altered`: the bid is not as it was made. */
  readonly breach: 'unfair' | 'excluded' | 'two-lists' | 'altered'
  readonly message: string
  readonly commitment: SignedCommitment
  readonly acknowledgement: SignedAcknowledgement | null
  readonly closing: SignedClosing | null
  /** The other one, where it signed two. */
  readonly secondClosing: SignedClosing | null
  readonly transcript: SignedTranscript | null
}

/** The sealed bids of an agent: in memory, since a bid whose salt is lost is one that is not opened. */
export interface Bids {
  readonly held: Map<AuctionId, HeldBid>
  /** Auctions whose transcript is to be asked for, by market, and the one that was asked for. */
  readonly wanted: Map<Address, Set<AuctionId>>
  readonly asked: Map<Address, AuctionId>
}

export const newBids = (): Bids => ({ held: new Map(), wanted: new Map(), asked: new Map() })
