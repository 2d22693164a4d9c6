import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

const withPlatform = () => import('./read-text.ts')

const withoutPlatform = async () => {
  vi.stubGlobal('Buffer', undefined)
  const module = await import('./read-text.ts')
  vi.unstubAllGlobals()
  return module
}

const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const outcomeOf = (read: () => string): string | TypeError => {
  try {
    return read()
  } catch (error) {
    if (error instanceof TypeError) return new TypeError()
    throw error
  }
}

const text = fc.oneof(fc.string({ maxLength: 80 }), fc.string({ unit: 'binary', maxLength: 80 }))
const damaged = fc
  .tuple(text, fc.nat(), fc.integer({ min: 0, max: 255 }))
  .map(([whole, at, byte]) =>
    encoder.encode(whole).map((old, index, { length }) => (index === at % length ? byte : old)),
  )

describe.each([
  ['with the functions of the platform', withPlatform],
  ['without them', withoutPlatform],
])('readText, %s', (_, load) => {
  test('gives back what UTF-8 was made of', async () => {
    const { readText } = await load()
    const examples = ['', '\uFEFF', '\uFFFD', 'a'.repeat(70_000), `${'a'.repeat(40)}\uFFFD`, '\uFEFFabcdefgh']
    for (const example of examples) {
      const bytes = encoder.encode(`<${example}>`)
      expect(readText(bytes, 1, bytes.length - 1)).toBe(example)
    }
  })

  test('takes UTF-8 only', async () => {
    const { readText } = await load()
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), (bytes) => {
        const expected = outcomeOf(() => strict.decode(bytes))
        expect(outcomeOf(() => readText(bytes, 0, bytes.length))).toEqual(expected)
        expect(outcomeOf(() => readText(Buffer.from(bytes), 0, bytes.length))).toEqual(expected)
      }),
      { numRuns: 2000 },
    )
  })
})
