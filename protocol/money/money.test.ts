import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toJson } from '../api/json.ts'
import { MusterError } from '../error/muster-error.ts'
import { formatUsd, nanoUsdSchema, nonNegativeNanoUsdSchema, parseUsd } from './money.ts'

const max = 2n ** 63n - 1n
const min = -(2n ** 63n)
const amount = fc.bigInt({ min, max })

describe('dollars as text', () => {
  test.each([
    ['0', 0n],
    ['1', 1_000_000_000n],
    ['0.0000125', 12_500n],
    ['-0.5', -500_000_000n],
    ['999999999.999999999', 999_999_999_999_999_999n],
    ['000.10', 100_000_000n],
  ])('%s is %s nano-dollars', (text, expected) => {
    expect(parseUsd(text)).toBe(expected)
  })

  test.each([
    '',
    ' ',
    '$1',
    '1,5',
    '1.',
    '.5',
    '1e3',
    '+1',
    '--1',
    '0x10',
    '1.0000000001',
    '1000000000',
    '1 ',
    '1\n',
    '١',
    'NaN',
  ])('%j is refused', (text) => {
    expect(() => parseUsd(text)).toThrow(expect.objectContaining({ code: 'request_invalid' }))
  })

  test.each([
    [0n, '$0.00'],
    [12_500n, '$0.0000125'],
    [1_500_000_000n, '$1.50'],
    [-1n, '-$0.000000001'],
    [1_000_000_000_000n, '$1000.00'],
    [100_000_000n, '$0.10'],
  ])('%s nano-dollars read %s', (nano, text) => {
    expect(formatUsd(nano)).toBe(text)
  })

  test('what is shown parses back to the same amount', () => {
    const shown = fc.bigInt({ min: -999_999_999_999_999_999n, max: 999_999_999_999_999_999n })
    fc.assert(
      fc.property(shown, (nano) => {
        const text = formatUsd(nano)
        expect(text).toMatch(/^-?\$\d+\.\d{2,9}$/)
        expect(parseUsd(text.replace('$', ''))).toBe(nano)
      }),
    )
  })

  test('any other text is refused with an error of its own', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseUsd(text)).toBeTypeOf('bigint')
        } catch (error) {
          expect(error).toBeInstanceOf(MusterError)
        }
      }),
    )
  })
})

describe('an amount in a message', () => {
  test('is the same as a bigint, in decimal, and as an integer where that is exact', () => {
    fc.assert(
      fc.property(amount, (nano) => {
        expect(nanoUsdSchema.parse(nano)).toBe(nano)
        expect(nanoUsdSchema.parse(nano.toString())).toBe(nano)
        expect(nanoUsdSchema.parse(JSON.parse(toJson(nano)))).toBe(nano)
        if (Number.isSafeInteger(Number(nano))) expect(nanoUsdSchema.parse(Number(nano))).toBe(nano)
      }),
    )
  })

  test.each([
    max + 1n,
    min - 1n,
    (max + 1n).toString(),
    (min - 1n).toString(),
    '99999999999999999999999',
    2 ** 53,
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '1.5',
    '1e9',
    '1E9',
    '0x10',
    '+1',
    '',
    ' 1',
    '1\n',
    '1n',
    '--1',
    true,
    null,
    undefined,
    [],
    {},
  ])('%s is refused', (wrong) => {
    expect(nanoUsdSchema.safeParse(wrong).success).toBe(false)
  })

  test('below zero is refused where an amount of zero or more is expected', () => {
    fc.assert(
      fc.property(amount, (nano) => {
        expect(nonNegativeNanoUsdSchema.safeParse(nano).success).toBe(nano >= 0n)
      }),
    )
    expect(nonNegativeNanoUsdSchema.safeParse('-1').success).toBe(false)
    expect(nonNegativeNanoUsdSchema.parse('-0')).toBe(0n)
  })
})
