import { encode, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryOf, outputsOf } from '../arbitrary/arbitrary-of.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { MusterError } from '../error/muster-error.ts'
import { recordKinds } from '../vector/record-kinds.ts'
import { decodeCanonical, encodeCanonical } from './canonical.ts'
import { maxDepth } from './read-canonical.ts'

const text = fc.string({ unit: 'binary' })
const canonicalValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.maxSafeInteger().map((integer) => integer + 0),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }),
    fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n) + 1n, -(2n ** 53n), 2n ** 64n - 1n, -(2n ** 64n)),
    text,
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array(),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '\uFEFF', 'a'.repeat(300))),
      tie('value'),
      {
        maxKeys: 30,
        noNullPrototype: true,
      },
    ),
  ),
})).value

const small = (value: unknown): unknown => {
  if (typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER)
    return Number(value)
  if (Array.isArray(value)) return value.map(small)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  const entries = Object.entries(value).map(([key, item]) => [key, small(item)] as const)
  return Object.fromEntries(entries)
}

const outcomeOf = (bytes: Uint8Array): { value: unknown } | 'refused' => {
  try {
    return { value: decodeCanonical(bytes) }
  } catch (error) {
    expect(error).toBeInstanceOf(MusterError)
    expect(error).toMatchObject({ code: 'record_invalid', retry: 'never' })
    return 'refused'
  }
}

const requireOneSpelling = (bytes: Uint8Array): void => {
  const outcome = outcomeOf(bytes)
  if (outcome !== 'refused') expect(toHex(encodeCanonical(outcome.value))).toBe(toHex(bytes))
}

describe('encodeCanonical', () => {
  test('orders keys as RFC 8949 does', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        expect(toHex(encodeCanonical(value))).toBe(toHex(encode(value, rfc8949EncodeOptions)))
      }),
    )
  })

  test('orders many keys as RFC 8949 does', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', 'z', 'é'), maxLength: 5 })
    const map = fc.dictionary(fc.oneof(key, fc.string({ maxLength: 5 })), fc.nat(), {
      minKeys: 30,
      maxKeys: 60,
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(map, (value) => {
        expect(toHex(encodeCanonical(value))).toBe(toHex(encode(value, rfc8949EncodeOptions)))
      }),
      { numRuns: 50 },
    )
  })

  test.each([
    ['fractions', 1.5],
    ['integers past 2^53', 2 ** 53],
    ['not a number', Number.NaN],
    ['undefined', { a: undefined }],
    ['maps', new Map([['a', 1]])],
    ['floats', new Float64Array(1)],
    ['dates', new Date(0)],
    ['integers past 64 bits', 2n ** 64n],
    ['negative integers past 64 bits', -(2n ** 64n) - 1n],
    ['functions', () => 0],
  ])('refuses %s', (_, value) => {
    expect(() => encodeCanonical(value)).toThrow()
  })

  test('gives an integer one form', () => {
    expect(encodeCanonical(-0)).toEqual(encodeCanonical(0))
    fc.assert(
      fc.property(fc.maxSafeInteger(), (integer) => {
        expect(encodeCanonical(integer)).toEqual(encodeCanonical(BigInt(integer)))
      }),
    )
  })
})

describe('decodeCanonical', () => {
  test('gives back what was encoded', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        expect(decodeCanonical(encodeCanonical(value))).toEqual(small(value))
      }),
    )
  })

  test('copies bytes out of the message', () => {
    const message = encodeCanonical([Uint8Array.of(1, 2)])
    const [bytes] = decodeCanonical(message) as [Uint8Array]
    message.fill(0)
    expect([...bytes]).toEqual([1, 2])
    expect(decodeCanonical(Buffer.from('4101', 'hex'))).toEqual(Uint8Array.of(1))
  })

  test.each<[string, Hex]>([
    ['nothing', '0x'],
    ['two items', '0x0101'],
    ['a head of one byte too many', '0x1817'],
    ['a head of two bytes too many', '0x1900ff'],
    ['a head of four bytes too many', '0x1a0000ffff'],
    ['a head of eight bytes too many', '0x1b00000000ffffffff'],
    ['a length with a long head', '0x7801 61'.replace(' ', '') as Hex],
    ['an indefinite list', '0x9f01ff'],
    ['an indefinite map', '0xbf616101ff'],
    ['indefinite text', '0x7f6161ff'],
    ['a break', '0xff'],
    ['a reserved head', '0x1c'],
    ['a tag', '0xc100'],
    ['a half float', '0xf93c00'],
    ['a whole number as a float', '0xfb3ff0000000000000'],
    ['undefined', '0xf7'],
    ['a simple value', '0xf818'],
    ['a repeated key', '0xa2616101616102'],
    ['keys out of order', '0xa2616201616101'],
    ['a longer key first', '0xa262616101616102'],
    ['a key that is a number', '0xa10101'],
    ['a key that is bytes', '0xa1416101'],
    ['text that is not UTF-8', '0x62c328'],
    ['half a surrogate pair', '0x63eda080'],
    ['an overlong letter', '0x62c1a1'],
    ['a text cut short', '0x6261'],
    ['a list cut short', '0x8201'],
    ['a map cut short', '0xa16161'],
    ['a length of 2^64-1', '0x9bffffffffffffffff'],
    ['a text of 4 GB in five bytes', '0x7affffffff'],
    ['a map of 2^53 entries in nine bytes', '0xbb0020000000000000'],
  ])('refuses %s', (_, hex) => {
    expect(outcomeOf(fromHex(hex))).toBe('refused')
  })

  test('keeps a byte order mark', () => {
    expect(decodeCanonical(encodeCanonical('\uFEFFa'))).toBe('\uFEFFa')
    expect(decodeCanonical(encodeCanonical(`\uFEFF${'a'.repeat(50)}`))).toBe(`\uFEFF${'a'.repeat(50)}`)
  })

  test('refuses what is nested too deep', () => {
    const nested = (depth: number) => Uint8Array.from([...Array<number>(depth - 1).fill(0x81), 0x80])
    expect(outcomeOf(nested(maxDepth))).not.toBe('refused')
    expect(outcomeOf(nested(maxDepth + 1))).toBe('refused')
    expect(outcomeOf(new Uint8Array(5_000_000).fill(0x81))).toBe('refused')
    expect(outcomeOf(Uint8Array.from({ length: 3_000_000 }, (_, i) => [0xa1, 0x61, 0x61][i % 3] ?? 0))).toBe('refused')
  })

  test('random bytes either have one meaning or are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), requireOneSpelling), { numRuns: 3000 })
  })

  test('a damaged encoding either has one meaning or is refused', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), {
      minLength: 1,
      maxLength: 3,
    })
    fc.assert(
      fc.property(canonicalValue, damage, fc.nat({ max: 3 }), (value, changes, cut) => {
        const bytes = Uint8Array.from(encodeCanonical(value))
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte
        requireOneSpelling(bytes.subarray(0, bytes.length - cut))
      }),
      { numRuns: 2000 },
    )
  })
})

describe.each(Object.entries(recordKinds))('a record of kind %s', (_, { schema }) => {
  test('has the same bytes after CBOR', () => {
    fc.assert(
      fc.property(outputsOf(schema), (record) => {
        const bytes = encodeCanonical(record)
        const again = schema.parse(decodeCanonical(bytes))
        expect(again).toEqual(record)
        expect(toHex(encodeCanonical(again))).toBe(toHex(bytes))
      }),
      { numRuns: 50 },
    )
  })

  test('is accepted wherever it keeps to its schema', () => {
    fc.assert(
      fc.property(arbitraryOf(schema), (input) => {
        expect(schema.safeParse(input).error).toBeUndefined()
      }),
      { numRuns: 50 },
    )
  })
})
