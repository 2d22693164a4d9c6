import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readKey } from './read-key.ts'
import { readText } from './read-text.ts'

const encoder = new TextEncoder()
const read = (bytes: Uint8Array): string => readKey(bytes, 0, bytes.length)

test('reads each key as a text, whatever was read before', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 40 })
  fc.assert(
    fc.property(fc.array(fc.oneof(few, fc.string({ unit: 'binary' })), { maxLength: 300 }), (keys) => {
      for (const key of [...keys, ...keys]) {
        const bytes = encoder.encode(`"${key}"`)
        expect(readKey(bytes, 1, bytes.length - 1)).toBe(readText(bytes, 1, bytes.length - 1))
      }
    }),
    { numRuns: 50 },
  )
})

test('keeps nothing of the message it read a key from', () => {
  const message = Buffer.from('key 1000')
  expect(read(message)).toBe('key 1000')
  for (let i = 1001; i < 9000; i++) {
    message.write(`key ${i}`)
    expect(read(Uint8Array.from(message))).toBe(`key ${i}`)
  }
})

test('refuses a key that is no text, also after one of the same length', () => {
  expect(read(encoder.encode('key'))).toBe('key')
  expect(() => read(Uint8Array.of(0x6b, 0x65, 0xff))).toThrow(TypeError)
  expect(() => read(Uint8Array.of(0x6b, 0x65, 0xff))).toThrow(TypeError)
})
