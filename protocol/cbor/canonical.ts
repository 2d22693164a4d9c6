import { MusterError } from '../error/muster-error.ts'
import { readCanonical } from './read-canonical.ts'
import { writeCanonical } from './write-canonical.ts'

/**
 * Deterministic CBOR (RFC 8949 §4.2): maps with text keys, lists, text, bytes, integers within 64 bits, booleans, null.
 * An integer has one form, whether it comes as a number or a bigint, and -0 is 0. Half a surrogate pair becomes U+FFFD;
 * the schemas of records refuse it. Throws `TypeError` on undefined, fractions and any other kind of value.
 */
export const encodeCanonical = (value: unknown): Uint8Array => writeCanonical(value)

/**
 * Decodes one CBOR item and nothing after it. Accepts only what `encodeCanonical` makes, so that bytes and value stand
 * for each other: no longer heads than need be, no indefinite lengths, no repeated or unordered keys, no tags,
 * no fractions, no ill-formed text, nothing nested deeper than 64. Integers past 2^53 come as bigints.
 * Throws `record_invalid`.
 */
export const decodeCanonical = (bytes: Uint8Array): unknown => {
  try {
    return readCanonical(bytes)
  } catch (cause) {
    throw new MusterError({
      code: 'record_invalid',
      message: 'These bytes are not canonical CBOR.',
      facts: { bytes: bytes.length, found: cause instanceof Error ? cause.message : String(cause) },
      cause,
    })
  }
}
