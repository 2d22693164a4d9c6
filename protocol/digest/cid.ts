import { base32 } from 'multiformats/bases/base32'
import { z } from 'zod'
import { branded } from '../id/branded.ts'
import { MusterError } from '../error/muster-error.ts'
import { digestBytes } from './digest.ts'

/** Name of a blob: CIDv1, raw codec, SHA-256, lower-case base 32 (`bafkrei…`, 59 characters). */
export type Cid = string & { readonly __cid: true }

// The head 01 55 12 20 ends within the eighth character, and the last one holds two bits that are always zero.
const cidPattern = /^bafkrei[a-h][a-z2-7]{50}[aeimquy4]$/
const head = Uint8Array.of(0x01, 0x55, 0x12, 0x20)

/** The CID of a blob whose SHA-256 is already known (32 bytes). */
export const cidOfSha256 = (sha256: Uint8Array): Cid => {
  const bytes = new Uint8Array(36)
  bytes.set(head)
  bytes.set(sha256, 4)
  return base32.encode(bytes) as string as Cid
}

export const cidOf = (bytes: Uint8Array): Cid => cidOfSha256(digestBytes(bytes))

export const sha256OfCid = (cid: Cid): Uint8Array => base32.decode(cid).subarray(4)

/** Whether the text is a CID in the one spelling Muster uses. */
export const isCid = (text: string): text is Cid => cidPattern.test(text)

/** The only maker of CIDs out of text. Throws `request_invalid`. */
export const parseCid = (text: string): Cid => {
  if (isCid(text)) return text
  throw new MusterError({
    code: 'request_invalid',
    message: 'This is not the CID of a blob: expected CIDv1, raw, SHA-256, base 32 (bafkrei…).',
    facts: { expected: 'bafkrei…', found: text.slice(0, 80) },
  })
}

export const cidSchema = branded<Cid>(
  z.string().regex(cidPattern, { error: 'expected a CID: bafkrei and 52 characters' }),
)
