import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encode, rfc8949EncodeOptions } from 'cborg'
import { encodeCanonical } from './canonical.ts'
import { layoutOf } from './map-layout.ts'

test('maps of the same keys are written alike, in whatever order they have them, also once they are known', () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'é'), minLength: 1, maxLength: 3 })
  const orders = fc
    .uniqueArray(key, { maxLength: 12 })
    .chain((keys) => fc.array(fc.shuffledSubarray(keys, { minLength: keys.length }), { minLength: 1, maxLength: 4 }))
  fc.assert(
    fc.property(orders, (all) => {
      for (const keys of [...all, ...all]) {
        const map = Object.fromEntries(keys.map((each) => [each, each]))
        expect(Buffer.from(encodeCanonical(map))).toEqual(Buffer.from(encode(map, rfc8949EncodeOptions)))
      }
    }),
  )
})

test('a layout is remembered until many others came', () => {
  const known = layoutOf(['b', 'a'])
  expect(layoutOf(['b', 'a'])).toBe(known)
  expect(known.ordered).toEqual(['a', 'b'])
  for (let i = 0; i < 300; i++) layoutOf([`a${i}`, 'b'])
  expect(layoutOf(['b', 'a'])).not.toBe(known)
  expect(layoutOf(['b', 'a'])).toEqual(known)
})

test('no layout of many or long keys is remembered, so that strangers fill no memory with them', () => {
  const many = Array.from({ length: 41 }, (_, index) => `${index}`)
  const long = ['a'.repeat(1100)]
  expect(layoutOf(many)).not.toBe(layoutOf(many))
  expect(layoutOf(long)).not.toBe(layoutOf(long))
})
