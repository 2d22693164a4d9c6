import { digestOf, maxClockSkewMs, MusterError, type Address, type Lease, type SignedLease } from '@muster/protocol'
import { requireAwarded } from '../auction/audit-lease.ts'
import type { HeldReservation } from '../book/book.ts'
import { domainOf, type AgentContext } from '../context.ts'

const mismatch = (field: string, expected: unknown, found: unknown): MusterError =>
  new MusterError({
    code: 'record_invalid',
    message: `This lease does not match its reservation: ${field} differs.`,
    facts: { field, expected, found },
    fault: 'market',
  })

const quantities = ['cpuMilli', 'memoryBytes', 'diskBytes', 'gpuCount'] as const

const checkTerm = ({ term, startsAt, paidUntil }: Lease, { signed }: HeldReservation): void => {
  const reserved = signed.record.term
  if (reserved === undefined && term === undefined) return
  if (reserved === undefined || term === undefined || digestOf(reserved) !== digestOf(term))
    throw mismatch('term', reserved ?? 'none', term ?? 'none')
  if (paidUntil - startsAt > term.termMs) throw mismatch('paidUntil', startsAt + term.termMs, paidUntil)
}

const checkTerms = (lease: Lease, held: HeldReservation): void => {
  const reserved = held.signed.record
  if (lease.reservation !== held.digest) throw mismatch('reservation', held.digest, lease.reservation)
  if (lease.order !== reserved.order) throw mismatch('order', reserved.order, lease.order)
  const auction = held.auction?.id ?? 'none'
  if ((lease.auction?.id ?? 'none') !== auction) throw mismatch('auction', auction, lease.auction?.id ?? 'none')
  // A sealed auction may give a bidder fewer slots than it bid, at a better price.
  const isSealed = lease.auction !== undefined
  if (isSealed ? lease.slots > reserved.slots : lease.slots !== reserved.slots)
    throw mismatch('slots', reserved.slots, lease.slots)
  if (lease.runtime !== held.runtime) throw mismatch('runtime', held.runtime, lease.runtime)
  const isPaidEnough = isSealed
    ? lease.price.nanoUsd >= reserved.price.nanoUsd
    : lease.price.nanoUsd === reserved.price.nanoUsd
  if (lease.price.per !== reserved.price.per || !isPaidEnough) {
    throw mismatch('price', reserved.price, lease.price)
  }
  checkTerm(lease, held)
  for (const quantity of quantities) {
    const expected = reserved.resources[quantity]
    if (lease.resources[quantity] > expected)
      throw mismatch(`resources.${quantity}`, expected, lease.resources[quantity])
  }
}

/**
 * That a lease is the market's, for this provider, in force, no more than was reserved, and what its sealed auction gives, as far as
 * that is known yet.
 * Throws `signature_invalid`, `record_invalid`, `record_expired`, `clock_skewed`.
 */
export const checkLease = (
  context: AgentContext,
  market: Address,
  signed: SignedLease,
  held: HeldReservation,
  now: number,
): void => {
  const lease = signed.record
  if (lease.market !== market) throw mismatch('market', market, lease.market)
  if (lease.provider !== context.signer.address) throw mismatch('provider', context.signer.address, lease.provider)
  checkTerms(lease, held)
  if (lease.paidUntil <= now) {
    throw new MusterError({
      code: 'record_expired',
      message: 'This lease is over already.',
      facts: { paidUntil: lease.paidUntil, now },
      fault: 'market',
    })
  }
  if (lease.startsAt - maxClockSkewMs > now) {
    throw new MusterError({
      code: 'clock_skewed',
      message: "This lease starts in the future by this machine's clock; set the clocks right.",
      facts: { startsAt: lease.startsAt, now, maxClockSkewMs },
    })
  }
  context.verifier.requireSigner(domainOf(context, market), signed, market)
  requireAwarded(context, held, signed)
}
