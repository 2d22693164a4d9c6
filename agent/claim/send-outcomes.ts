import {
  inlineBlobBytes,
  signTogether,
  type Address,
  type Cid,
  type Claim,
  type Problem,
  type SignatureDomain,
  type Signer,
} from '@muster/protocol'
import type { BlobCache } from '../blob/blob-cache.ts'
import type { HeldAttempt, HeldOutput } from '../book/book.ts'
import type { Markets } from '../market/markets.ts'

export interface SendOutcomesModules {
  readonly markets: Markets
  readonly blobs: BlobCache
  readonly signer: Signer
  readonly domainOf: (market: Address) => SignatureDomain
}

const maxPerMessage = 128
const maxInlineBytes = 2 ** 20

const inlineOf = async (output: HeldOutput, blobs: BlobCache): Promise<Uint8Array | undefined> => {
  const { bytes } = output
  output.bytes = null
  if (bytes !== null) return bytes
  if ((blobs.size(output.cid) ?? Infinity) > inlineBlobBytes) return undefined
  return blobs.read(output.cid)
}

/**
 * Sends a market how these attempts ended, small outputs along with their claims, in messages of bounded size. The claims
 * of a message share one signature.
 */
export const sendOutcomes = async (
  { markets, blobs, signer, domainOf }: SendOutcomesModules,
  market: Address,
  attempts: readonly HeldAttempt[],
): Promise<void> => {
  const domain = domainOf(market)
  let claims: Claim[] = []
  let inline = new Map<Cid, Uint8Array>()
  let inlineBytes = 0
  let failures: { attempt: HeldAttempt['id']; problem: Problem }[] = []

  const sendClaims = (): void => {
    if (claims.length > 0) {
      const signature = signTogether(signer, domain, claims)
      markets.send(market, { type: 'claims', batches: [{ claims, signature }], blobs: [...inline.values()] })
    }
    claims = []
    inline = new Map()
    inlineBytes = 0
  }
  const sendFailures = (): void => {
    if (failures.length > 0) markets.send(market, { type: 'failures', failures })
    failures = []
  }

  for (const { id, outcome, outputs } of attempts) {
    if (outcome === null) continue
    if (outcome.type === 'failed') {
      failures.push({ attempt: id, problem: outcome.problem })
      if (failures.length >= maxPerMessage) sendFailures()
      continue
    }
    for (const output of outputs) {
      if (inline.has(output.cid)) continue
      const bytes = await inlineOf(output, blobs)
      if (bytes === undefined) continue
      inline.set(output.cid, bytes)
      inlineBytes += bytes.length
    }
    claims.push(outcome.claim)
    if (claims.length >= maxPerMessage || inlineBytes >= maxInlineBytes) sendClaims()
  }
  sendClaims()
  sendFailures()
}
