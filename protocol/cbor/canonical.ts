import { decode, encode, type EncodeOptions } from 'cborg'
import { MusterError } from '../error/muster-error.ts'

const refuse = (what: string) => (): never => {
  throw new TypeError(`${what} has no canonical form`)
}

// cborg's default key order is shorter first, then bytewise. For text keys that is RFC 8949's bytewise
// order of the encoded keys, since the length is in the head; a test holds the two together.
const options: EncodeOptions = {
  typeEncoders: {
    undefined: refuse('undefined'),
    number: (value: unknown) => (Number.isSafeInteger(value) && !Object.is(value, -0) ? null : refuse('a fraction')()),
  },
}

/**
 * Deterministic CBOR (RFC 8949 §4.2): maps with text keys, arrays, text, bytes, integers, booleans, null.
 * Throws `TypeError` on undefined and on numbers that are not integers.
 */
export const encodeCanonical = (value: unknown): Uint8Array => encode(value, options)

/**
 * Decodes one CBOR item and nothing after it. Refuses indefinite lengths, non-minimal integers, duplicate keys,
 * tags, floats and undefined. Throws `record_invalid`.
 */
export const decodeCanonical = (bytes: Uint8Array): unknown => {
  try {
    return decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      rejectDuplicateMapKeys: true,
      tags: {},
    })
  } catch (cause) {
    throw new MusterError({
      code: 'record_invalid',
      message: 'These bytes are not canonical CBOR.',
      facts: { bytes: bytes.length, found: cause instanceof Error ? cause.message : String(cause) },
      cause,
    })
  }
}
