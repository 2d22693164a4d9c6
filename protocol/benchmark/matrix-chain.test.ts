import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toHex, type Hex } from '../digest/hex.ts'
import { checkChain } from './check-chain.ts'
import { chainOf, chainPrime, type MatrixChain } from './matrix-chain.ts'
import { networkProof } from './network-proof.ts'
import { seededWords } from './seeded-words.ts'

const seed: Hex = `0x${'77'.repeat(32)}`
const anySeed = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
const random = (byteCount: number) => crypto.getRandomValues(new Uint8Array(byteCount))

/** The chain as the engine runs it, in float32. */
const run = (chain: MatrixChain): Float32Array<ArrayBuffer> => {
  const start = chain.start()
  const inverse = Math.fround(1 / chainPrime)
  let x = Float32Array.from(start.cells)
  let height = start.rows
  for (let layer = 0; layer + 1 < chain.sizes.length; layer++) {
    const { rows, cells } = chain.factor(layer)
    const y = new Float32Array(rows * start.columns)
    for (let at = 0; at < y.length; at++) {
      const [row, column] = [Math.floor(at / start.columns), at % start.columns]
      let sum = 0
      for (let k = 0; k < height; k++) {
        sum = Math.fround(sum + Math.fround((cells[row * height + k] ?? 0) * (x[k * start.columns + column] ?? 0)))
      }
      y[at] = Math.fround(sum - Math.fround(Math.floor(Math.fround(sum * inverse)) * chainPrime))
    }
    x = y
    height = rows
  }
  return x
}

test('words follow from seed and label, and are those of xoshiro128**', () => {
  const take = (of: Hex, label: string) => {
    const next = seededWords(of, label)
    return [next(), next(), next()]
  }
  expect(take(seed, 'x')).toEqual(take(seed, 'x'))
  expect(take(seed, 'x')).not.toEqual(take(seed, 'y'))
  expect(take(seed, 'x')).toMatchInlineSnapshot(`
    [
      3212504406,
      3920717220,
      2564148763,
    ]
  `)
})

describe('a chain', () => {
  test('has sizes, cells and work that follow from its seed', () => {
    const work = { width: 768, layers: 8, columns: 2048 }
    const [one, same, other] = [seed, seed, `0x${'78'.repeat(32)}` as Hex].map((each) => chainOf(each, work))
    expect(one?.sizes).toEqual(same?.sizes)
    expect(one?.sizes).not.toEqual(other?.sizes)
    expect(one?.sizes).toMatchInlineSnapshot(`
      [
        768,
        768,
        640,
        704,
        624,
        640,
        592,
        720,
        752,
      ]
    `)
    for (const size of one?.sizes ?? []) expect(size % 16).toBe(0)
    expect(Math.min(...(one?.sizes ?? []))).toBeGreaterThanOrEqual(592)
    const flops = (one?.sizes ?? []).slice(1).map((size, layer) => 2 * size * (one?.sizes[layer] ?? 0) * 2048)
    expect(one?.flops).toBe(flops.reduce((sum, each) => sum + each, 0))
  })

  test('of the greatest width is exact in float32', () => {
    expect(768 * 127 * (chainPrime + 2)).toBeLessThan(2 ** 24)
  })

  test('that was run holds, with every one of its seeds', async () => {
    const work = fc.record({
      width: fc.constantFrom(16, 32, 128),
      layers: fc.integer({ min: 1, max: 4 }),
      columns: fc.integer({ min: 1, max: 9 }),
    })
    await fc.assert(
      fc.asyncProperty(anySeed, work, async (each, of) => {
        const chain = chainOf(each, of)
        expect(await checkChain(chain, run(chain), random)).toBe(true)
      }),
      { numRuns: 25 },
    )
  })

  test('with any cell changed does not hold, nor one of another shape, nor one of another seed', async () => {
    const chain = chainOf(seed, { width: 32, layers: 3, columns: 8 })
    const right = run(chain)
    await fc.assert(
      fc.asyncProperty(fc.nat(right.length - 1), fc.integer({ min: 1, max: 126 }), async (at, by) => {
        const wrong = right.with(at, (Math.abs(right[at] ?? 0) + by) % chainPrime)
        if ((wrong[at] ?? 0) % chainPrime === ((right[at] ?? 0) + chainPrime) % chainPrime) return
        expect(await checkChain(chain, wrong, random)).toBe(false)
      }),
      { numRuns: 200 },
    )
    for (const wrong of [right.slice(1), right.map((cell) => cell + 0.5), new Float32Array(right.length).fill(NaN)]) {
      expect(await checkChain(chain, wrong, random)).toBe(false)
    }
    const other = chainOf(`0x${'78'.repeat(32)}`, { width: 32, layers: 3, columns: 8 })
    expect(await checkChain(other, right, random)).toBe(false)
  })
})

test('a proof needs both the seed and every byte', () => {
  const bytes = random(1000)
  const proof = networkProof(seed, bytes)
  expect(networkProof(`0x${'78'.repeat(32)}`, bytes)).not.toBe(proof)
  expect(
    networkProof(
      seed,
      bytes.map((byte, at) => (at === 999 ? byte ^ 1 : byte)),
    ),
  ).not.toBe(proof)
  expect(networkProof(seed, bytes.slice(0, 999))).not.toBe(proof)
})
