import type { AgreedAmendment } from '../lease/amendment.ts'
import type { SignedLease } from '../lease/lease.ts'
import type { Price } from '../money/price.ts'
import type { SignedOrder } from '../order/order.ts'
import type { SignedReservation } from '../reservation/reservation.ts'
import type { JobEvent } from './job-event.ts'
import type { CommittedSpec } from './commit-spec.ts'

// CBOR has one kind of integer, so an amount that was a bigint comes back as a number where it fits in one.
// These put the bigints back by name and leave everything else as it was signed.

const restorePrice = (price: Price): Price => ({ ...price, nanoUsd: BigInt(price.nanoUsd) })

export const restoreSpec = (spec: CommittedSpec): CommittedSpec => ({
  ...spec,
  maxPrice: restorePrice(spec.maxPrice),
  ceiling: BigInt(spec.ceiling),
})

export const restoreOrder = ({ record, signature }: SignedOrder): SignedOrder => ({
  record: { ...record, maxPrice: restorePrice(record.maxPrice), ceiling: BigInt(record.ceiling) },
  signature,
})

export const restoreLease = ({ record, signature }: SignedLease): SignedLease => ({
  record: { ...record, price: restorePrice(record.price), bond: BigInt(record.bond) },
  signature,
})

export const restoreReservation = ({ record, signature }: SignedReservation): SignedReservation => ({
  record: { ...record, price: restorePrice(record.price) },
  signature,
})

export const restoreAmendment = ({ record, ...signatures }: AgreedAmendment): AgreedAmendment => ({
  record: { ...record, price: restorePrice(record.price) },
  ...signatures,
})

/** The event whose canonical CBOR was decoded: the inverse of `canonicalEvent`, encoding and decoding. */
export const restoreEvent = (decoded: unknown): JobEvent => {
  const event = decoded as JobEvent
  switch (event.type) {
    case 'submitted':
      return { ...event, spec: restoreSpec(event.spec), order: restoreOrder(event.order) }
    case 'lease-opened':
      return { ...event, lease: restoreLease(event.lease), reservation: restoreReservation(event.reservation) }
    case 'lease-amended':
      return { ...event, amendment: restoreAmendment(event.amendment) }
    case 'accepted':
      return {
        ...event,
        attempts: event.attempts.map((attempt) => ({ ...attempt, amount: BigInt(attempt.amount) })),
      }
    case 'closed':
      return { ...event, refund: BigInt(event.refund) }
    default:
      return event
  }
}
