import {
  chargeFor,
  digestOf,
  earningsAccount,
  escrowAccount,
  feeOf,
  feesAccount,
  newId,
  newIds,
  recordDigest,
  signGroup,
  type Address,
  type Claim,
  type Digest,
  type EntryId,
  type NanoUsd,
  type Receipt,
  type SignatureDomain,
  type SignedGroup,
  type Signer,
  type World,
} from '@muster/protocol'
import type { Draft } from '../job/draft.ts'

export interface WriteReceiptsModules {
  readonly world: World
  readonly signer: Signer
  readonly domain: SignatureDomain
  /** What the market keeps of each payment. */
  readonly feeBasisPoints: number
}

/** One payment out of the job's escrow: the sum of the receipts, which are kept with its entry. The market keeps its fee of it. */
const payProvider = (
  draft: Draft,
  provider: Address,
  receipts: readonly Receipt[],
  { world, feeBasisPoints }: WriteReceiptsModules,
): { readonly entry: EntryId; readonly fee: NanoUsd } => {
  const entry = newId(world, 'entry')
  const paid = receipts.reduce((sum, { amount }) => sum + amount, 0n)
  const fee = feeOf(paid, feeBasisPoints)
  const legs = [
    { account: escrowAccount(draft.job.id), amount: -paid },
    { account: earningsAccount(provider), amount: paid - fee },
    ...(fee === 0n ? [] : [{ account: feesAccount, amount: fee }]),
  ]
  draft.entries.push({ id: entry, kind: 'payment', legs, at: draft.now })
  return { entry, fee }
}

/**
 * Signs a receipt for each claim of a provider at its lease's price, all together, and pays them out of the job's escrow.
 * Returns the receipts in the order of the claims.
 */
export const writeReceipts = (
  draft: Draft,
  claims: SignedGroup<Claim>,
  modules: WriteReceiptsModules,
): readonly Receipt[] => {
  const { world, signer, domain } = modules
  const { job, now } = draft
  const ids = newIds(world, 'receipt', claims.records.length)
  const receipts = claims.records.flatMap((claim, index): Receipt[] => {
    const lease = job.leases.get(claim.lease)?.lease.record
    const id = ids[index]
    if (lease === undefined || id === undefined) throw new Error(`no lease ${claim.lease} in job ${job.id}`)
    const usage = { operators: job.operators, slotMs: claim.meter.slotMs }
    return [
      {
        kind: 'receipt',
        id,
        market: domain.market,
        provider: claim.provider,
        tenant: job.tenant,
        lease: leaseDigest(lease),
        claim: recordDigest(claim),
        attempt: claim.attempt,
        price: lease.price,
        ...usage,
        amount: chargeFor(lease.price, usage),
        reverses: null,
        issuedAt: now,
      },
    ]
  })
  const [first] = receipts
  if (first === undefined) return []
  const paid = payProvider(draft, first.provider, receipts, modules)
  draft.receipts.push({ ...paid, receipts: signGroup(signer, domain, receipts), claims })
  return receipts
}

const leaseDigests = new WeakMap<object, Digest>()

/** A lease's digest, computed once: every receipt of the lease bears it. */
const leaseDigest = (lease: object): Digest => {
  const known = leaseDigests.get(lease) ?? digestOf(lease)
  leaseDigests.set(lease, known)
  return known
}
