import {
  attemptId,
  parseAttemptId,
  type Address,
  type AgentMessage,
  type AttemptId,
  type AuctionId,
  type Claim,
  type LeaseId,
  type LinkCall,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
  type Offer,
  type Problem,
  type ReservationId,
  type Reveal,
  type SignedClaim,
  type SignedLease,
  type SignedReservation,
  type Signer,
  type Start,
} from '@muster/protocol'
import type { Market } from '../market.ts'

/** What an attempt comes to: named outputs, a problem, or nothing at all. */
export type Outcome =
  | { readonly outputs: Readonly<Record<string, Uint8Array>>; readonly slotMs?: number }
  | { readonly problem: Problem }
  | 'silence'

/** Where a scripted agent departs from an honest one. */
export interface Script {
  run?(start: Start): Outcome
  /** Answers a reserve in place of the honest answer. */
  reserve?(
    honest: () => SignedReservation,
    request: LinkRequest<'reserve'>,
  ): SignedReservation | Promise<SignedReservation>
  /** Answers a solicitation in place of the honest sealed bid. */
  solicit?(
    honest: () => LinkResponse<'solicit'>,
    request: LinkRequest<'solicit'>,
  ): LinkResponse<'solicit'> | Promise<LinkResponse<'solicit'>>
  /** Opens the bid in place of the honest answer. */
  reveal?(honest: () => Reveal, request: LinkRequest<'reveal'>): Reveal | Promise<Reveal>
  openLease?(honest: () => void, lease: SignedLease): void | Promise<void>
  amendLease?(
    honest: () => LinkResponse<'amend-lease'>,
    request: LinkRequest<'amend-lease'>,
  ): LinkResponse<'amend-lease'> | Promise<LinkResponse<'amend-lease'>>
  closeLease?(honest: () => void): void | Promise<void>
  holdings?(honest: () => LinkResponse<'holdings'>): LinkResponse<'holdings'> | Promise<LinkResponse<'holdings'>>
  /** What is sent in place of the honest claim. */
  claim?(claim: Claim, sign: (claim: Claim, by?: Signer) => SignedClaim): SignedClaim
  /** Bytes it hands out for an output. */
  blob?(bytes: Uint8Array): Uint8Array
}

/** Claims with a signature each. */
export interface SignedAlone {
  readonly type: 'claims'
  readonly claims: readonly SignedClaim[]
  readonly blobs: readonly Uint8Array[]
}

export type ScriptedMessage = AgentMessage | SignedAlone

export interface ScriptedAgentOptions {
  readonly key: number
  readonly slots: number
  readonly nanoUsd: bigint
  readonly offer?: Partial<Offer>
  readonly taskMs?: number
  readonly script?: Script
  /** Outputs up to this size go inside the message. */
  readonly inlineBytes?: number
}

export interface ScriptedAgent {
  readonly address: Address
  readonly signer: Signer
  script: Script
  taskMs: number
  /** Links to the market and publishes its offer. */
  link(market: Market): void
  /** Breaks the link; the agent works on. */
  cut(): void
  /** Forgets everything, as a machine that was replaced. */
  wipe(): void
  publish(change?: Partial<Offer>): void
  send(message: ScriptedMessage): void
  /** Sends every claim and failure that is not settled again. */
  repeat(): void
  claimFor(start: Start, outputs?: Readonly<Record<string, Uint8Array>>): Claim
  sign(claim: Claim, by?: Signer): SignedClaim
  readonly leases: ReadonlyMap<LeaseId, SignedLease>
  readonly reservations: ReadonlyMap<ReservationId, SignedReservation>
  /** Sealed bids it made. */
  readonly bids: ReadonlyMap<AuctionId, Reveal>
  readonly heard: readonly MarketMessage[]
  readonly starts: readonly Start[]
  readonly settled: readonly AttemptId[]
  readonly cancelled: readonly AttemptId[]
  readonly calls: readonly LinkCall[]
  /** Attempts queued, running, or not settled. */
  readonly attempts: ReadonlyMap<AttemptId, Start>
}

/** The same attempt with another fence, task or job. */
export const otherAttempt = (start: Start, change: { readonly index?: number; readonly fence?: number }): AttemptId => {
  const name = parseAttemptId(start.attempt)
  if (name === undefined) throw new Error('no attempt')
  return attemptId(name.job, change.index ?? name.index, change.fence ?? name.fence)
}
