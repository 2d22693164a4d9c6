import { digestOf, parseAttemptId, type Digest, type ReceiptBundle } from '@muster/protocol'
import { checkSame, checkThat, type ReceiptCheck } from './receipt-check.ts'

const checkDigest = (name: string, named: Digest, record: unknown): ReceiptCheck => {
  const found = digestOf(record)
  return checkThat(name, named === found, found, `it names ${named}, this one is ${found}`)
}

/** That each record names, by digest, the very record it rests on. */
const checkDigests = (bundle: ReceiptBundle): ReceiptCheck[] => {
  const { receipt, claim, lease, reservation, order } = bundle
  return [
    checkDigest('the reservation answers this order', reservation.record.order, order.record),
    checkDigest('the lease rests on this order', lease.record.order, order.record),
    checkDigest('the lease rests on this reservation', lease.record.reservation, reservation.record),
    checkDigest('the receipt rests on this lease', receipt.record.lease, lease.record),
    checkDigest('the receipt rests on this claim', receipt.record.claim, claim.record),
  ]
}

/** That all records speak of one market, provider, tenant, job, lease and attempt. */
const checkParties = (bundle: ReceiptBundle): ReceiptCheck[] => {
  const receipt = bundle.receipt.record
  const claim = bundle.claim.record
  const lease = bundle.lease.record
  const reservation = bundle.reservation.record
  const order = bundle.order.record
  return [
    checkSame('all records are of one market', {
      order: order.market,
      reservation: reservation.market,
      lease: lease.market,
      claim: claim.market,
      receipt: receipt.market,
    }),
    checkSame('all records are of one provider', {
      reservation: reservation.provider,
      lease: lease.provider,
      claim: claim.provider,
      receipt: receipt.provider,
    }),
    checkSame('all records are of one tenant', { order: order.tenant, lease: lease.tenant, receipt: receipt.tenant }),
    checkSame('claim and receipt are of one attempt', { claim: claim.attempt, receipt: receipt.attempt }),
    checkSame('the attempt is of the leased job', {
      lease: lease.job,
      claim: parseAttemptId(claim.attempt)?.job ?? 'none',
    }),
    checkSame('the leased job is the one the order made', {
      order: `job_${order.id.slice(order.id.indexOf('_') + 1)}`,
      lease: lease.job,
    }),
    checkSame('the claim is of this lease', { lease: lease.id, claim: claim.lease }),
  ]
}

export const checkLinks = (bundle: ReceiptBundle): ReceiptCheck[] => [...checkParties(bundle), ...checkDigests(bundle)]
