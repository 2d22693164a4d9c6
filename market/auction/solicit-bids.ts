import {
  digestOf,
  MusterError,
  signBatch,
  type Address,
  type AuctionId,
  type Acknowledgement,
  type AgentPeer,
  type Log,
  type ReservationId,
  type SignatureDomain,
  type SignedCommitment,
  type SignedOrder,
  type Signer,
  type Timer,
  type Verifier,
  type World,
} from '@muster/protocol'
import type { Hold } from '../supply/holds.ts'
import type { Supply } from '../supply/supply.ts'
import type { Bidder } from './find-bidders.ts'

export interface SolicitBidsModules {
  readonly world: World
  readonly supply: Supply
  readonly signer: Signer
  readonly verifier: Verifier
  readonly domain: SignatureDomain
  readonly log: Log
}

/** A sealed bid and who made it. */
export interface Sealed extends Bidder {
  readonly commitment: SignedCommitment
  /** What it is a bid of, by the agent's word: the hold is of that. */
  readonly reservation: ReservationId
  readonly hold: Hold
}

export interface Solicited {
  readonly inTime: readonly Sealed[]
  /** Fills until `afterMs` past the close. */
  readonly late: readonly Sealed[]
}

export interface Solicitation {
  readonly auction: AuctionId
  readonly order: SignedOrder
  readonly windowMs: number
  /** How long a bid must hold past the close. */
  readonly holdMs: number
  readonly closesAt: number
}

/** How long after the close a bid is still heard, to be given back and named in the transcript. */
export const lateMs = 2_000
/** Acknowledgements of so long are signed together. */
const acknowledgeMs = 5

/** What an agent answers that does not bid, for reasons of its own or since it has nothing left: that breaks no promise. */
const isDeclined = (error: unknown): boolean => error instanceof MusterError && error.code === 'forbidden'

const createAcknowledger = (auction: AuctionId, { world, signer, domain }: SolicitBidsModules) => {
  let waiting: { readonly peer: AgentPeer; readonly record: Acknowledgement }[] = []
  let timer: Timer | undefined
  const flush = (): void => {
    timer = undefined
    const sent = waiting
    waiting = []
    const signed = signBatch(
      signer,
      domain,
      sent.map(({ record }) => record),
    )
    for (const [index, acknowledgement] of signed.entries())
      sent[index]?.peer.send({ type: 'bid-acknowledged', acknowledgement })
  }
  return (peer: AgentPeer, commitment: SignedCommitment): void => {
    const { market } = domain
    const record: Acknowledgement = {
      kind: 'acknowledgement',
      market,
      auction,
      commitment: digestOf(commitment.record),
      at: world.now(),
    }
    waiting.push({ peer, record })
    timer ??= world.after(acknowledgeMs, flush)
  }
}

/**
 * Asks all bidders at once and resolves when the window is over, with the sealed bids that came by then. Slots asked for count as taken;
 * those of agents that do not bid are given back at once. `onDeclined` hears of agents that do not serve this order.
 */
export const solicitBids = async (
  { auction, order, windowMs, holdMs, closesAt }: Solicitation,
  bidders: readonly Bidder[],
  onDeclined: (provider: Address) => void,
  modules: SolicitBidsModules,
): Promise<Solicited> => {
  const { world, supply, verifier, domain, log } = modules
  const inTime: Sealed[] = []
  const late: Sealed[] = []
  const orderDigest = digestOf(order.record)
  const acknowledge = createAcknowledger(auction, modules)
  let isClosed = false

  const ask = async (bidder: Bidder): Promise<void> => {
    const { peer, offer, slots } = bidder
    const { provider } = peer
    const hold = supply.take(provider, slots)
    try {
      const request = { auction, order, offer: offer.record.id, slots, windowMs, holdMs, closesAt }
      const { commitment, reservation } = await peer.call('solicit', request, { timeoutMs: windowMs + lateMs })
      const { record } = commitment
      if (record.auction !== auction || record.order !== orderDigest || record.provider !== provider)
        throw new MusterError({
          code: 'record_invalid',
          message: 'The agent’s sealed bid is for another auction.',
          facts: { auction: record.auction, provider: record.provider },
        })
      verifier.requireSigner(domain, commitment, provider)
      hold.name(reservation)
      if (isClosed) {
        late.push({ ...bidder, commitment, reservation, hold })
        hold.giveBack()
        return peer.send({ type: 'auction-over', auction, hasWon: false, bids: 0, transcript: null })
      }
      inTime.push({ ...bidder, commitment, reservation, hold })
      acknowledge(peer, commitment)
    } catch (error) {
      hold.giveBack()
      if (isDeclined(error)) onDeclined(provider)
      else if (!isClosed) supply.standAside(provider, offer.record.id)
      log.debug('an agent does not bid', { provider, auction, error })
    }
  }

  const over = Promise.withResolvers<void>()
  world.after(windowMs, over.resolve)
  for (const bidder of bidders) void ask(bidder)
  await over.promise
  isClosed = true
  return { inTime: [...inTime], late }
}
