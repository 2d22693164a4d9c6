import {
  awardSealed,
  closingTree,
  digestOf,
  newId,
  sealOf,
  signBatch,
  signRecord,
  type AuctionId,
  type Closing,
  type ReservationId,
  type SealedBid,
  type SignedCommitment,
  type SignedOrder,
  type Transcript,
} from '@muster/protocol'
import { setStage, stageSigner, type Stage, type StageOptions } from '../stage/stage-agent.ts'
import type { AuctionProof } from './bids.ts'

export const marketSigner = stageSigner('market')
export const rival = stageSigner('rival')
export const windowMs = 200

/** An agent with an offer, and an auction for it to bid in. */
export const setUp = async (stageOptions: StageOptions = {}) => {
  const proofs: AuctionProof[] = []
  const modules = { onBreach: (proof: AuctionProof) => void proofs.push(proof), ...stageOptions.modules }
  const stage = await setStage({ ...stageOptions, modules })
  const { market, world } = stage
  const domain = { chainId: market.chainId, market: market.address }
  const auction = newId(world, 'auction')
  const order = market.order({ slots: 2, auction: { windowMs, pricing: 'second-price' } })
  const openedAt = world.now()
  const reservations: ReservationId[] = []
  const solicit = async (
    change: { auction?: AuctionId; order?: SignedOrder; slots?: number; windowMs?: number } = {},
  ) => {
    const [offer] = market.offers()
    if (offer === undefined) throw new Error('no offer')
    const closesAt = world.now() + windowMs
    const request = { auction, order, offer: offer.record.id, slots: 2, windowMs, holdMs: 13_000, closesAt, ...change }
    const { commitment, reservation } = await market.handlers().onCall('solicit', request)
    reservations.push(reservation)
    return commitment
  }
  const closingOf = (commitments: readonly SignedCommitment[], change: Partial<Closing> = {}) => {
    const tree = closingTree(commitments.map(({ record }) => record))
    const record: Closing = {
      kind: 'closing',
      market: market.address,
      auction,
      order: digestOf(order.record),
      root: tree.root,
      count: commitments.length,
      closedAt: openedAt + windowMs,
      revealBy: openedAt + windowMs + 3_000,
      ...change,
    }
    return { closing: signRecord(marketSigner, domain, record), path: [...(tree.paths[0] ?? [])] }
  }
  const acknowledge = (commitment: SignedCommitment) => {
    const [acknowledgement] = signBatch(marketSigner, domain, [
      {
        kind: 'acknowledgement' as const,
        market: market.address,
        auction,
        commitment: digestOf(commitment.record),
        at: world.now(),
      },
    ])
    if (acknowledgement !== undefined) market.send({ type: 'bid-acknowledged', acknowledgement })
  }
  return { ...stage, domain, auction, order, solicit, reservations, closingOf, acknowledge, proofs }
}

export type Set = Awaited<ReturnType<typeof setUp>>

/** A bid of somebody else’s at this price. */
export const rivalBid = ({ domain, auction, order, world, market }: Set, nanoUsd: bigint): SealedBid => {
  const [offer] = market.offers()
  if (offer === undefined) throw new Error('no offer')
  const record = {
    kind: 'reservation' as const,
    id: newId(world, 'reservation'),
    market: market.address,
    provider: rival.address,
    order: digestOf(order.record),
    offer: offer.record.id,
    slots: 2,
    resources: offer.record.resources,
    gpus: [],
    price: { nanoUsd, per: 'task' as const },
    issuedAt: world.now(),
    expiresAt: world.now() + 20_000,
  }
  const salt = `0x${'09'.repeat(32)}` as const
  const parts = { auction, order: digestOf(order.record), provider: rival.address }
  const seal = sealOf({ ...parts, reservation: digestOf(record), salt })
  const commitment = { kind: 'commitment' as const, market: market.address, ...parts, seal }
  const { signature } = signRecord(rival, domain, commitment)
  return { provider: rival.address, seal, signature, reveal: { reservation: signRecord(rival, domain, record), salt } }
}

export const asCommitment = ({ domain, auction, order }: Set, bid: SealedBid): SignedCommitment => ({
  record: {
    kind: 'commitment',
    market: domain.market,
    auction,
    order: digestOf(order.record),
    provider: bid.provider,
    seal: bid.seal,
  },
  signature: bid.signature,
})

/** Runs an auction with the agent and a rival, up to the message that it is over. `decide` may cheat. */
export const runAuction = async (
  set: Set,
  decide: (transcript: Transcript) => Transcript = (transcript) => transcript,
  rivalAsks = 500n,
  said: { readonly bids?: number; readonly transcript?: null } = {},
) => {
  const { market, order, auction, world, domain, solicit, closingOf, acknowledge } = set
  const openedAt = world.now()
  const commitment = await solicit()
  acknowledge(commitment)
  await world.pass(windowMs)
  const other = rivalBid(set, rivalAsks)
  const commitments = [commitment, asCommitment(set, other)].toSorted((a, b) =>
    a.record.provider < b.record.provider ? -1 : 1,
  )
  const { closing } = closingOf(commitments, { closedAt: openedAt + windowMs })
  const tree = closingTree(commitments.map(({ record }) => record))
  const at = commitments.indexOf(commitment)
  const reveal = await market.handlers().onCall('reveal', { closing, path: [...(tree.paths[at] ?? [])] })
  const own: SealedBid = {
    provider: commitment.record.provider,
    seal: commitment.record.seal,
    signature: commitment.signature,
    reveal,
  }
  const bids = [own, other].toSorted((a, b) => (a.provider < b.provider ? -1 : 1))
  const decided = { wanted: 2, bids, late: [], scores: null, awardedAt: world.now() }
  const honest: Transcript = {
    kind: 'transcript',
    market: market.address,
    auction,
    job: `job_${order.record.id.slice(4)}` as Transcript['job'],
    order,
    solicited: 2,
    openedAt,
    closing,
    ...decided,
    award: awardSealed({ ...decided, order: order.record, closing: closing.record }),
  }
  const transcript = signRecord(marketSigner, domain, decide(honest))
  const hasWon = transcript.record.award.winners.some(({ provider }) => provider === own.provider)
  const over = { auction, hasWon, bids: 2, transcript: digestOf(transcript.record), ...said }
  market.send({ type: 'auction-over', ...over })
  await world.settle()
  return { transcript, reveal, commitment }
}

export const asked = ({ market }: Stage) => market.messages.filter(({ type }) => type === 'want-transcript').length
