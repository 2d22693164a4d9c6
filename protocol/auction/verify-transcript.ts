import { digestOf } from '../digest/digest.ts'
import { formatUsd } from '../money/money.ts'
import type { Verifier } from '../signature/verifier.ts'
import type { SignatureDomain } from '../signature/typed-data.ts'
import { awardSealed } from './award-sealed.ts'
import { closingTree } from './closing.ts'
import { commitmentOf, type SealedAward, type SignedTranscript } from './transcript.ts'

/** One thing that holds of a fair auction, and what was found. */
export interface TranscriptCheck {
  readonly name: string
  readonly holds: boolean
  readonly found: string
}

const check = (name: string, holds: boolean, found: string, otherwise: string): TranscriptCheck => ({
  name,
  holds,
  found: holds ? found : otherwise,
})

const sayWinner = (winner: SealedAward['winners'][number] | undefined): string =>
  winner === undefined
    ? 'nobody'
    : `${winner.slots} to ${winner.provider} at ${formatUsd(winner.price.nanoUsd)} per ${winner.price.per}`

/** Where the award first parts from the rule. */
const sayDifference = (right: SealedAward, found: SealedAward): string => {
  const at = right.winners.findIndex((winner, index) => digestOf(winner) !== digestOf(found.winners[index] ?? null))
  if (at === -1 && right.winners.length < found.winners.length)
    return `the market gives ${sayWinner(found.winners[right.winners.length])}, and by the rule nothing is left for it`
  if (at === -1) return 'the bids refused are not those that the rule refuses'
  return `the rule gives ${sayWinner(right.winners[at])}, the market ${sayWinner(found.winners[at])}`
}

const firstOf = (names: readonly string[]): string =>
  `${names[0] ?? ''}${names.length > 1 ? ` and ${names.length - 1} more` : ''}`

/**
 * Runs the rule of a sealed auction again, offline, and checks every signature it rests on. The award followed the rule where
 * all checks hold. What no transcript shows: who was not asked for a bid, and whether the figures of `scores` are the market's best knowledge.
 */
export const verifyTranscript = (
  verifier: Verifier,
  domain: SignatureDomain,
  signed: SignedTranscript,
): TranscriptCheck[] => {
  const { record } = signed
  const { order, closing, bids, late } = record
  const orderDigest = digestOf(order.record)
  const commitments = bids.map((bid) => commitmentOf(closing.record, bid))
  const unsigned = [...bids, ...late].filter(
    (bid) =>
      verifier.signerOf(domain, { record: commitmentOf(closing.record, bid), signature: bid.signature }) !==
      bid.provider,
  )
  const unbound = bids.filter(
    ({ reveal }) =>
      reveal !== null && verifier.signerOf(domain, reveal.reservation) !== reveal.reservation.record.provider,
  )
  const { root } = closingTree(commitments)
  const stated = closing.record
  const orderSigner = verifier.signerOf(domain, order)
  const right = awardSealed({ ...record, order: order.record, closing: stated })
  const isNamed =
    stated.auction === record.auction &&
    stated.order === orderDigest &&
    stated.market === record.market &&
    order.record.market === record.market &&
    `job_${order.record.id.slice(4)}` === record.job
  const { auction } = order.record
  const hasScores = (order.record.award === 'effective') === (record.scores !== null)
  return [
    check(
      'the market signed the transcript',
      record.market === domain.market && verifier.signerOf(domain, signed) === record.market,
      record.market,
      'the signature is not by this market',
    ),
    check(
      'the order is signed',
      order.record.custody === 'market' ? orderSigner === record.market : orderSigner !== undefined,
      order.record.custody === 'market' ? 'by the market for its tenant' : `by ${orderSigner ?? 'no key'}`,
      'the signature is by no key that may sign it',
    ),
    check(
      'the closing list is the market’s, and of this auction and order',
      isNamed && verifier.signerOf(domain, closing) === record.market,
      record.auction,
      'it names another auction or order, or is not signed by the market',
    ),
    check(
      'it closed when the window was over',
      auction !== undefined &&
        stated.closedAt >= record.openedAt + auction.windowMs &&
        record.awardedAt >= stated.closedAt,
      `${stated.closedAt - record.openedAt} ms after it opened`,
      auction === undefined
        ? 'the order asks for no sealed auction'
        : `after ${stated.closedAt - record.openedAt} ms of ${auction.windowMs}`,
    ),
    check(
      'the bids are those of the closing list',
      root === stated.root && commitments.length === stated.count,
      `${stated.count} of ${record.solicited} asked`,
      `the list is of ${stated.count} bids under ${stated.root}, these ${commitments.length} come to ${root}`,
    ),
    check(
      'every bid is signed by its provider',
      unsigned.length + unbound.length === 0,
      `${bids.length} sealed, ${bids.filter(({ reveal }) => reveal !== null).length} opened`,
      `not ${firstOf([...unsigned, ...unbound].map(({ provider }) => provider))}`,
    ),
    check(
      'the scores rest on stated figures',
      hasScores,
      record.scores === null ? 'the price decides' : `of ${record.scores.reliability.length} providers`,
      'the rule of the order and the figures do not go together',
    ),
    check(
      'the award follows the rule',
      digestOf(right) === digestOf(record.award),
      `${record.award.winners.length} won, ${record.award.refused.length} refused`,
      sayDifference(right, record.award),
    ),
  ]
}
