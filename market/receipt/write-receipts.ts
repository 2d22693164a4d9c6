import {
  chargeFor,
  digestOf,
  earningsAccount,
  escrowAccount,
  newId,
  signBatch,
  transfer,
  type AttemptRef,
  type Digest,
  type Receipt,
  type SignatureDomain,
  type SignedClaim,
  type Signer,
  type World,
} from '@muster/protocol'
import type { Draft } from '../job/draft.ts'

export interface AcceptedClaim {
  readonly ref: AttemptRef
  readonly claim: SignedClaim
  readonly digest: Digest
}

export interface WriteReceiptsModules {
  readonly world: World
  readonly signer: Signer
  readonly domain: SignatureDomain
}

/** Signs a receipt for each claim at its lease's price, in one batch, and pays them out of the job's escrow. */
export const writeReceipts = (
  draft: Draft,
  claims: readonly AcceptedClaim[],
  { world, signer, domain }: WriteReceiptsModules,
): readonly Receipt[] => {
  const { job, now } = draft
  const receipts = claims.map(({ claim: { record }, digest }): Receipt => {
    const lease = job.leases.get(record.lease)?.lease.record
    if (lease === undefined) throw new Error(`no lease ${record.lease} in job ${job.id}`)
    const usage = { operators: job.operators, slotMs: record.meter.slotMs }
    return {
      kind: 'receipt',
      id: newId(world, 'receipt'),
      market: domain.market,
      provider: record.provider,
      tenant: job.tenant,
      lease: leaseDigest(lease),
      claim: digest,
      attempt: record.attempt,
      price: lease.price,
      ...usage,
      amount: chargeFor(lease.price, usage),
      reverses: null,
      issuedAt: now,
    }
  })
  signBatch(signer, domain, receipts).forEach((receipt, index) => {
    const claim = claims[index]?.claim
    if (claim !== undefined) draft.receipts.push({ receipt, claim })
  })
  const escrow = escrowAccount(job.id)
  for (const { id, provider, amount } of receipts) {
    const to = earningsAccount(provider)
    draft.entries.push(
      transfer({ id: newId(world, 'entry'), kind: 'payment', from: escrow, to, amount, receipt: id, at: now }),
    )
  }
  return receipts
}

const leaseDigests = new WeakMap<object, Digest>()

/** A lease's digest, computed once: every receipt of the lease bears it. */
const leaseDigest = (lease: object): Digest => {
  const known = leaseDigests.get(lease) ?? digestOf(lease)
  leaseDigests.set(lease, known)
  return known
}
