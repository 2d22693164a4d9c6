import { digestBytes, loadSecp256k1 } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { sealSecp256k1 } from './seal-secp256k1.ts'

const curve = await loadSecp256k1()
const bytesOf = (text: string): Uint8Array => digestBytes(new TextEncoder().encode(text))
const [key, otherKey, digest] = [bytesOf('key'), bytesOf('other key'), bytesOf('digest')]

describe('signatures without the curve', () => {
  const sealed = sealSecp256k1(curve)
  const signature = sealed.sign(digest, key)

  test('are by whom the curve would say, and the same each time', () => {
    expect(sealed.recover(digest, signature)).toEqual(curve.publicKey(key))
    expect(sealed.sign(digest, key)).toEqual(signature)
    expect(sealed.recover(digest, sealed.sign(digest, otherKey))).toEqual(curve.publicKey(otherKey))
  })

  test('are for one digest', () => {
    expect(sealed.recover(bytesOf('another digest'), signature)).toBeUndefined()
  })

  test('are by nobody once a byte is another', () => {
    for (let at = 0; at < signature.length; at++) {
      const spoilt = signature.slice()
      spoilt[at] = (spoilt[at] ?? 0) ^ 1
      expect(sealed.recover(digest, spoilt)).toBeUndefined()
    }
    expect(sealed.recover(digest, new Uint8Array(65))).toBeUndefined()
  })
})
