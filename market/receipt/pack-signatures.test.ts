import { toHex, type Hex, type Signature } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packSignatures, unpackSignatures } from './pack-signatures.ts'

const hex = (byteCount: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: byteCount, maxLength: byteCount }).map(toHex)
const signature: fc.Arbitrary<Signature> = fc.oneof(
  hex(65),
  fc.record({ root: hex(32), path: fc.array(hex(32), { maxLength: 24 }), signature: hex(65) }),
)

test('signatures come back as they were, alone and over a batch', () => {
  fc.assert(
    fc.property(fc.array(signature, { maxLength: 3 }), (signatures) => {
      expect(unpackSignatures(packSignatures(signatures))).toEqual(signatures)
    }),
  )
})

test('bytes that are cut short are refused', () => {
  fc.assert(
    fc.property(signature, fc.nat(), (one, cut) => {
      const bytes = packSignatures([one])
      const kept = bytes.subarray(0, 1 + (cut % (bytes.length - 1)))
      expect(() => unpackSignatures(kept)).toThrow(RangeError)
    }),
  )
})
