import type { Hex } from '../digest/hex.ts'
import type { ChainWork } from './benchmark-challenge.ts'
import { seededWords } from './seeded-words.ts'

/** Matrices are over the whole numbers modulo this prime: sums of products stay below 2²⁴, where float32 is exact. */
export const chainPrime = 127

/** A matrix of small whole numbers, row by row. */
export interface ChainMatrix {
  readonly rows: number
  readonly columns: number
  readonly cells: Uint8Array
}

/** `y = reduce(W_n · … reduce(W_1 · x))`, where `reduce(v) = v − 127·⌊v · (1/127)⌋` in float32. */
export interface MatrixChain {
  /** Rows of x, then of each product. */
  readonly sizes: readonly number[]
  /** Multiplications and additions of the products. */
  readonly flops: number
  start(): ChainMatrix
  /** The factor of layer `index`, from 0. */
  factor(index: number): ChainMatrix
}

const matrixOf = (seed: Hex, label: string, rows: number, columns: number): ChainMatrix => {
  const next = seededWords(seed, label)
  const words = new Uint8Array(4 * Math.ceil((rows * columns) / 4))
  for (let at = 0; at < words.length; at += 4) {
    const word = next()
    words[at] = word & 127
    words[at + 1] = (word >>> 8) & 127
    words[at + 2] = (word >>> 16) & 127
    words[at + 3] = (word >>> 24) & 127
  }
  return { rows, columns, cells: words.subarray(0, rows * columns) }
}

/**
 * The matrices of a benchmark. Each size is `width` less 16 times a number below `width / 64` drawn from the seed, so that neither the
 * shapes nor the cells are known before it. A cell is seven bits of a word.
 */
export const chainOf = (seed: Hex, { width, layers, columns }: Omit<ChainWork, 'part'>): MatrixChain => {
  const next = seededWords(seed, 'sizes')
  const choices = Math.max(1, Math.floor(width / 64))
  const sizes = Array.from({ length: layers + 1 }, () => width - 16 * (next() % choices))
  const sizeOf = (index: number): number => sizes[index] ?? 0
  let flops = 0
  for (let layer = 0; layer < layers; layer++) flops += 2 * sizeOf(layer) * sizeOf(layer + 1) * columns
  return {
    sizes,
    flops,
    start: () => matrixOf(seed, 'x', sizeOf(0), columns),
    factor: (index) => matrixOf(seed, `w${index}`, sizeOf(index + 1), sizeOf(index)),
  }
}

/** The cells of a matrix as the engine takes them. */
export const chainFloats = ({ cells }: ChainMatrix): Float32Array => Float32Array.from(cells)
