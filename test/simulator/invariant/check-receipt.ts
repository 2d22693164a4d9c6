import {
  chargeFor,
  digestOf,
  parseAttemptId,
  type Address,
  type AttemptId,
  type Job,
  type ReceiptId,
  type Signed,
  type SignatureDomain,
  type SignedRecord,
  type Verifier,
} from '@muster/protocol'
import type { StoredReceipt } from '../../../market/store/store.ts'

export interface CheckReceiptModules {
  readonly verifier: Verifier
  readonly domain: SignatureDomain
}

const isSignedBy = (
  address: Address,
  signed: Signed<SignedRecord>,
  { verifier, domain }: CheckReceiptModules,
): boolean => verifier.signerOf(domain, signed) === address

/** What is wrong with a receipt, or `undefined`: it must be for the attempt that was accepted, rest on the claim of the provider that held it, and be signed. */
export const checkReceipt = (
  job: Job,
  { receipt, claim }: StoredReceipt,
  accepted: ReadonlyMap<AttemptId, ReceiptId>,
  modules: CheckReceiptModules,
): string | undefined => {
  const { record } = receipt
  const name = parseAttemptId(record.attempt)
  const attempt = job.tasks[name?.index ?? -1]?.attempts.find(({ fence }) => fence === name?.fence)
  const lease = attempt === undefined ? undefined : job.leases.get(attempt.lease)?.lease.record
  if (attempt === undefined || lease === undefined) return `no attempt ${record.attempt} was ever dispatched`
  if (accepted.get(record.attempt) !== record.id) return `it is for ${record.attempt}, which was not accepted with it`
  if (attempt.phase !== 'final' && attempt.phase !== 'accepted') return `${record.attempt} is ${attempt.phase}`
  if (claim.record.attempt !== record.attempt) return `it rests on a claim for ${claim.record.attempt}`
  if (claim.record.lease !== lease.id) return `its claim names lease ${claim.record.lease}, not ${lease.id}`
  if (record.provider !== lease.provider || claim.record.provider !== lease.provider)
    return `it pays ${record.provider} for work leased from ${lease.provider}`
  if (record.claim !== digestOf(claim.record) || attempt.claim !== record.claim) return 'it does not name its claim'
  const due = chargeFor(lease.price, { operators: job.operators, slotMs: claim.record.meter.slotMs })
  if (record.amount !== due) return `it charges ${record.amount}, not ${due}`
  if (!isSignedBy(lease.provider, claim, modules)) return 'its claim is not signed by the provider'
  if (!isSignedBy(modules.domain.market, receipt, modules)) return 'it is not signed by the market'
  return undefined
}
