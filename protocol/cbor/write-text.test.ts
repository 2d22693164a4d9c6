import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Output } from './output.ts'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

const withPlatform = () => import('./write-text.ts')

const withoutPlatform = async () => {
  vi.stubGlobal('Buffer', undefined)
  const module = await import('./write-text.ts')
  vi.unstubAllGlobals()
  return module
}

const lengths = [0, 1, 23, 24, 255, 256, 65_535, 65_536]
const texts = lengths.flatMap((length) => [
  'a'.repeat(length),
  `${'a'.repeat(length)}é`,
  `\uD83D${'a'.repeat(length)}`,
  `${'日'.repeat(length)}`,
])

const encoder = new TextEncoder()

const headOf = (length: number): number[] => {
  if (length < 24) return [0x60 | length]
  if (length < 2 ** 8) return [0x78, length]
  if (length < 2 ** 16) return [0x79, length >> 8, length & 255]
  return [0x7a, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255]
}

const expected = (text: string): Buffer => {
  const bytes = encoder.encode(text)
  return Buffer.concat([Uint8Array.from(headOf(bytes.length)), bytes])
}

describe.each([
  ['with the functions of the platform', withPlatform],
  ['without them', withoutPlatform],
])('writeText, %s', (_, load) => {
  test('writes UTF-8 behind its length, after what is there', async () => {
    const { writeText } = await load()
    const written = (text: string): Buffer => {
      const out: Output = { bytes: Uint8Array.of(7), at: 1, freezes: false }
      writeText(out, text)
      expect(out.bytes[0]).toBe(7)
      return Buffer.from(out.bytes.subarray(1, out.at))
    }
    for (const text of texts) expect(written(text).equals(expected(text))).toBe(true)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), fc.string({ maxLength: 80 }), (some, others) => {
        for (const text of [some, others, others + some]) expect(written(text)).toEqual(expected(text))
      }),
    )
  })
})
