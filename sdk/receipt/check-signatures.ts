import type { Address, ReceiptBundle, Signed, SignedRecord, SignatureDomain, Verifier } from '@muster/protocol'
import { checkThat, type ReceiptCheck } from './receipt-check.ts'

const checkSigner = (
  verifier: Verifier,
  domain: SignatureDomain,
  signed: Signed<SignedRecord>,
  role: string,
  expected: Address,
): ReceiptCheck => {
  const found = verifier.signerOf(domain, signed)
  return checkThat(
    `the ${role} signed the ${signed.record.kind}`,
    found === expected,
    `by ${expected}`,
    `expected ${expected}, found ${found ?? 'a signature that fits no key'}`,
  )
}

/**
 * The order is signed by the tenant's key, whoever keeps it; which key that is only the tenant and its market know.
 * Where it is not given, all that can be said is whose signature it is.
 */
const checkOrderSigner = (
  verifier: Verifier,
  domain: SignatureDomain,
  { order }: ReceiptBundle,
  tenant: Address | undefined,
): ReceiptCheck => {
  const { custody, market } = order.record
  const found = verifier.signerOf(domain, order)
  const name = custody === 'tenant' ? 'the tenant signed the order' : 'the market signed the order for the tenant'
  if (found === undefined) return { name, result: 'failed', why: 'the signature fits no key' }
  if (tenant !== undefined) {
    return checkThat(name, found === tenant, `by ${tenant}`, `expected ${tenant}, found ${found}`)
  }
  if (custody === 'market' && found === market) return { name, result: 'ok', why: `by the market, ${market}` }
  const keeper = custody === 'tenant' ? 'the tenant' : 'the market'
  return {
    name,
    result: 'unknown',
    why: `by ${found}; give the tenant’s address to know that ${keeper} keeps this key`,
  }
}

/** Who signed each of the five records. */
export const checkSignatures = (
  verifier: Verifier,
  bundle: ReceiptBundle,
  tenant: Address | undefined,
): ReceiptCheck[] => {
  const { market, provider } = bundle.lease.record
  const domain: SignatureDomain = { chainId: bundle.chainId, market }
  return [
    checkOrderSigner(verifier, domain, bundle, tenant),
    checkSigner(verifier, domain, bundle.reservation, 'provider', provider),
    checkSigner(verifier, domain, bundle.lease, 'market', market),
    checkSigner(verifier, domain, bundle.claim, 'provider', provider),
    checkSigner(verifier, domain, bundle.receipt, 'market', market),
  ]
}
