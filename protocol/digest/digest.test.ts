import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { base32 } from 'multiformats/bases/base32'
import { CID } from 'multiformats/cid'
import { describe, expect, test, vi } from 'vitest'
import { encodeCanonical } from '../cbor/canonical.ts'
import { cidOf, cidOfSha256, cidSchema, isCid, parseCid, sha256OfCid } from './cid.ts'
import { digestBytes, digestOf, digestSchema } from './digest.ts'
import { fromHex, hexSchema, toHex, type Hex } from './hex.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a digest is the SHA-256 of canonical bytes', () => {
  fc.assert(
    fc.property(fc.string(), fc.maxSafeInteger(), (text, integer) => {
      const value = { text, integer }
      expect(digestOf(value)).toBe(`0x${sha256(encodeCanonical(value))}`)
      expect(digestSchema.parse(digestOf(value))).toBe(digestOf(value))
    }),
  )
  expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }))
  expect(digestOf([1, 2])).not.toBe(digestOf([2, 1]))
  expect(digestOf(1n)).toBe(digestOf(1))
})

describe('a CID', () => {
  test('is CIDv1, raw, SHA-256, as other tools make it', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const cid = cidOf(bytes)
        expect(toHex(digestBytes(bytes))).toBe(`0x${sha256(bytes)}`)
        const parsed = CID.parse(cid)
        expect([parsed.version, parsed.code, parsed.multihash.code, parsed.toString()]).toEqual([1, 0x55, 0x12, cid])
        expect(sha256OfCid(cid)).toEqual(digestBytes(bytes))
        expect(parseCid(cid)).toBe(cid)
      }),
    )
  })

  test('has one spelling', () => {
    const close = fc
      .tuple(
        fc.uint8Array({ minLength: 32, maxLength: 32 }).map(cidOfSha256),
        fc.nat({ max: 58 }),
        fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz234567', 'A', '=', '1'),
      )
      .map(([cid, at, letter]) => cid.slice(0, at) + letter + cid.slice(at + 1))
    fc.assert(
      fc.property(close, (text) => {
        const bytes = (() => {
          try {
            return base32.decode(text)
          } catch {
            return undefined
          }
        })()
        const isOne =
          bytes?.length === 36 && toHex(bytes.subarray(0, 4)) === '0x01551220' && base32.encode(bytes) === text
        expect(isCid(text)).toBe(isOne)
        expect(cidSchema.safeParse(text).success).toBe(isOne)
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    '',
    'bafkrei',
    `bafkrei${'a'.repeat(51)}b`,
    `bafkrei${'a'.repeat(53)}`,
    `bafkrei${'z'.repeat(51)}a`,
    `${cidOf(new Uint8Array())}\n`,
  ])('is not %j', (text) => {
    expect(isCid(text)).toBe(false)
    expect(cidSchema.safeParse(text).success).toBe(false)
    expect(() => parseCid(text)).toThrow(expect.objectContaining({ code: 'request_invalid' }))
  })
})

test('hex is lower-case, of whole bytes and of the right length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(fromHex(toHex(bytes))).toEqual(bytes)
      expect(hexSchema(bytes.length).parse(toHex(bytes))).toBe(toHex(bytes))
      expect(hexSchema(bytes.length + 1).safeParse(toHex(bytes)).success).toBe(false)
    }),
  )
  for (const wrong of ['0xAB', 'ab', '0xa', '0xgg', '0xab\n', ' 0xab'])
    expect(hexSchema(1).safeParse(wrong).success).toBe(false)
  expect(() => fromHex('0xabc' satisfies Hex)).toThrow()
})

describe.each([
  ['by the platform', false],
  ['in JavaScript', true],
])('SHA-256 %s', (_, isAlone) => {
  test('has three forms of the same bytes', async () => {
    vi.resetModules()
    const spy = vi.spyOn(process, 'getBuiltinModule')
    if (isAlone) spy.mockReturnValue(undefined as never)
    const { sha256Bytes, sha256Hex, sha256Text } = await import('./sha256.ts')
    spy.mockRestore()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const expected = createHash('sha256').update(bytes).digest()
        expect(sha256Hex(bytes)).toBe(expected.toString('hex'))
        expect(sha256Bytes(bytes)).toEqual(new Uint8Array(expected))
        expect(sha256Text(bytes)).toBe(expected.toString('latin1'))
      }),
    )
  })
})
