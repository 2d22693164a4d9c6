import {
  createVerifier,
  explainIssues,
  nobleSecp256k1,
  receiptBundleSchema,
  sayIssues,
  type Address,
  type CommittedSpec,
  type ReceiptBundle,
  type TranscriptBundle,
  type Verifier,
} from '@muster/protocol'
import { checkAuction } from './check-auction.ts'
import { checkLease } from './check-lease.ts'
import { checkLinks } from './check-links.ts'
import { checkSignatures } from './check-signatures.ts'
import { checkTerms } from './check-terms.ts'
import { checkWork } from './check-work.ts'
import type { ReceiptCheck } from './receipt-check.ts'

/** What a receipt is held against beside itself. The more is given, the less stays unknown. */
export interface TrustedFacts {
  /** The market that is trusted to have written it. */
  readonly market?: Address | undefined
  /** The address of the tenant's key. */
  readonly tenant?: Address | undefined
  readonly chainId?: number | undefined
  /** The job as it was submitted. */
  readonly spec?: CommittedSpec | undefined
  /** The bytes of the program's manifest. */
  readonly program?: Uint8Array | undefined
  /** The transcript of the sealed auction that the lease names. */
  readonly transcript?: TranscriptBundle | undefined
}

export interface ReceiptVerdict {
  /** No check failed. Some may be unknown. */
  readonly ok: boolean
  readonly checks: readonly ReceiptCheck[]
}

const checkMarket = ({ lease }: ReceiptBundle, expected: Address | undefined): ReceiptCheck => {
  const name = 'the market is the one expected'
  const { market } = lease.record
  if (expected === undefined) return { name, result: 'unknown', why: `it is ${market}; give the address you trust` }
  return market === expected
    ? { name, result: 'ok', why: market }
    : { name, result: 'failed', why: `expected ${expected}, found ${market}` }
}

const checkChain = ({ chainId }: ReceiptBundle, expected: number | undefined): ReceiptCheck[] =>
  expected === undefined || expected === chainId
    ? []
    : [{ name: 'the network is the one expected', result: 'failed', why: `expected ${expected}, found ${chainId}` }]

/**
 * Checks a receipt with the records it rests on, offline and without trusting its market: every signature, that each record
 * names the one it rests on, that all are of one attempt, and that the amount is what was agreed times what was used.
 * Never throws. `verifier` may be one over the native signer, where many are checked.
 */
export const verifyReceipt = (
  bundle: unknown,
  trusted: TrustedFacts = {},
  verifier: Verifier = createVerifier(nobleSecp256k1),
): ReceiptVerdict => {
  const parsed = receiptBundleSchema.safeParse(bundle)
  if (!parsed.success) {
    const why = sayIssues('This', explainIssues(parsed.error, bundle))
    return { ok: false, checks: [{ name: 'it is a receipt with its records', result: 'failed', why }] }
  }
  const checks = [
    checkMarket(parsed.data, trusted.market),
    ...checkChain(parsed.data, trusted.chainId),
    ...checkSignatures(verifier, parsed.data, trusted.tenant),
    ...checkLinks(parsed.data),
    ...checkTerms(parsed.data),
    ...checkLease(verifier, parsed.data),
    ...checkAuction(parsed.data, trusted.transcript, verifier),
    ...checkWork(parsed.data, trusted),
  ]
  return { ok: checks.every(({ result }) => result !== 'failed'), checks }
}
