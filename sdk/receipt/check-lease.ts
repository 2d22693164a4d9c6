import {
  digestOf,
  kindAsked,
  kindOfLease,
  maxClockSkewMs,
  type AgreedAmendment,
  type ReceiptBundle,
  type SignatureDomain,
  type Verifier,
} from '@muster/protocol'
import { checkSame, checkThat, type ReceiptCheck } from './receipt-check.ts'

/** What kind of lease was ordered, reserved and given, and for how long. */
const checkTerm = ({ lease, reservation, order }: ReceiptBundle): ReceiptCheck[] => {
  const { term, startsAt, paidUntil } = lease.record
  const asked = order.record.lease
  if (term === undefined && asked === undefined && reservation.record.term === undefined) return []
  const lastsMs = paidUntil - startsAt
  const mostMs = reservation.record.term?.termMs ?? 0
  const noticeMs = term?.noticeMs ?? 0
  const isAsLong = lastsMs <= mostMs && (asked?.termMs === undefined || asked.termMs === lastsMs)
  return [
    checkSame('the lease is of the kind ordered', {
      order: kindAsked(order.record),
      lease: kindOfLease(lease.record),
    }),
    checkSame('the term of the lease is the one reserved', {
      reservation: digestOf(reservation.record.term ?? null),
      lease: digestOf(term ?? null),
    }),
    checkThat(
      'the lease lasts as long as was ordered and reserved',
      isAsLong,
      `${lastsMs} ms`,
      `${lastsMs} ms; ordered were ${asked?.termMs ?? 'any'}, reserved at most ${mostMs}`,
    ),
    checkThat(
      'its notice is no shorter than was ordered',
      noticeMs >= (asked?.minNoticeMs ?? 0),
      asked?.minNoticeMs === undefined ? 'none was asked for' : `${noticeMs} ms`,
      `${noticeMs} ms, but at least ${asked?.minNoticeMs ?? 0} was ordered`,
    ),
  ]
}

const isNext = (
  { lease }: ReceiptBundle,
  before: AgreedAmendment['record'] | undefined,
  { record }: AgreedAmendment,
) => {
  const { record: of } = lease
  const { number, slots, until } = before ?? { number: 0, slots: of.slots, until: of.paidUntil }
  return (
    record.market === of.market &&
    record.provider === of.provider &&
    record.job === of.job &&
    record.lease === digestOf(of) &&
    record.number === number + 1 &&
    record.slots <= slots &&
    record.until >= until &&
    record.price.per === of.price.per &&
    record.price.nanoUsd === of.price.nanoUsd
  )
}

/** That both sides signed each amendment, one after the other, at the price of the lease. */
const checkAmendments = (verifier: Verifier, bundle: ReceiptBundle): ReceiptCheck[] => {
  const { amendments = [], lease, chainId } = bundle
  if (amendments.length === 0) return []
  const { market, provider } = lease.record
  const domain: SignatureDomain = { chainId, market }
  const unsigned = amendments.find(
    (each) =>
      verifier.signerOf(domain, { record: each.record, signature: each.provider }) !== provider ||
      verifier.signerOf(domain, { record: each.record, signature: each.market }) !== market,
  )
  const wrong = amendments.find((each, at) => !isNext(bundle, amendments[at - 1]?.record, each))
  return [
    checkThat(
      'provider and market signed each amendment of the lease',
      unsigned === undefined,
      `${amendments.length} of ${amendments.length}`,
      `amendment ${unsigned?.record.number} is not signed by both`,
    ),
    checkThat(
      'each amendment follows from the one before, at the price of the lease',
      wrong === undefined,
      `the last: ${amendments.at(-1)?.record.slots} slots until ${amendments.at(-1)?.record.until}`,
      `amendment ${wrong?.record.number} does not`,
    ),
  ]
}

/** That the work began while the lease lasted, by its end or that of its last amendment. */
const checkBegun = ({ amendments = [], lease, claim }: ReceiptBundle): ReceiptCheck => {
  const until = amendments.at(-1)?.record.until ?? lease.record.paidUntil
  const { startedAt } = claim.record
  return checkThat(
    'the work began while the lease lasted',
    startedAt <= until + 2 * maxClockSkewMs,
    `${until - startedAt} ms before its end`,
    `it ended at ${until}, and the work began at ${startedAt}`,
  )
}

/** That whoever signed the order asked for as many slots as were leased. */
const checkResize = (verifier: Verifier, { resize, order, chainId }: ReceiptBundle): ReceiptCheck[] => {
  if (resize === undefined) return []
  const { market, tenant } = order.record
  const domain: SignatureDomain = { chainId, market }
  const { record } = resize
  const signer = verifier.signerOf(domain, order)
  return [
    checkThat(
      'who signed the order changed its slots',
      signer !== undefined &&
        verifier.signerOf(domain, resize) === signer &&
        record.order === digestOf(order.record) &&
        record.market === market &&
        record.tenant === tenant,
      `to ${record.slots}`,
      'the change is of another order, or another key signed it',
    ),
  ]
}

/** What the lease promised, and how both sides changed it. */
export const checkLease = (verifier: Verifier, bundle: ReceiptBundle): ReceiptCheck[] => [
  ...checkTerm(bundle),
  ...checkAmendments(verifier, bundle),
  ...checkResize(verifier, bundle),
  checkBegun(bundle),
]
