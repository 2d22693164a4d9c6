import {
  chargeFor,
  digestOf,
  earningsAccount,
  escrowAccount,
  newId,
  signBatch,
  transfer,
  type Address,
  type AttemptRef,
  type Digest,
  type EntryId,
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

/** One payment to each provider out of the job's escrow: the sum of its receipts, which are kept with its entry. */
const payProviders = (draft: Draft, receipts: readonly Receipt[], world: World): Map<Address, EntryId> => {
  const from = escrowAccount(draft.job.id)
  const entries = new Map<Address, EntryId>()
  for (const [provider, paid] of Map.groupBy(receipts, (receipt) => receipt.provider)) {
    const id = newId(world, 'entry')
    const amount = paid.reduce((sum, receipt) => sum + receipt.amount, 0n)
    draft.entries.push(transfer({ id, kind: 'payment', from, to: earningsAccount(provider), amount, at: draft.now }))
    entries.set(provider, id)
  }
  return entries
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
  const entries = payProviders(draft, receipts, world)
  signBatch(signer, domain, receipts).forEach((receipt, index) => {
    const claim = claims[index]?.claim
    const entry = entries.get(receipt.record.provider) ?? null
    if (claim !== undefined) draft.receipts.push({ entry, receipt, claim })
  })
  return receipts
}

const leaseDigests = new WeakMap<object, Digest>()

/** A lease's digest, computed once: every receipt of the lease bears it. */
const leaseDigest = (lease: object): Digest => {
  const known = leaseDigests.get(lease) ?? digestOf(lease)
  leaseDigests.set(lease, known)
  return known
}
