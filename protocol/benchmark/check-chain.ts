import { chainPrime, type MatrixChain } from './matrix-chain.ts'

/** Vectors the product is tried with: a wrong one passes all of them once in 127⁴, which is 260 million. */
const trials = 4
/** Reduced cells are in here: the quotient in float32 is at most one off. */
const [leastCell, mostCell] = [-2, chainPrime + 2]

const reduce = (value: number): number => ((value % chainPrime) + chainPrime) % chainPrime

/** Matrix times `trials` vectors side by side, modulo the prime. */
const apply = (
  { rows, columns, cells }: { rows: number; columns: number; cells: ArrayLike<number> },
  by: Int32Array,
): Int32Array => {
  const result = new Int32Array(rows * trials)
  for (let row = 0, at = 0; row < rows; row++) {
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let column = 0, from = 0; column < columns; column++, at++, from += trials) {
      const cell = cells[at] ?? 0
      a += cell * (by[from] ?? 0)
      b += cell * (by[from + 1] ?? 0)
      c += cell * (by[from + 2] ?? 0)
      d += cell * (by[from + 3] ?? 0)
    }
    const to = row * trials
    result[to] = reduce(a)
    result[to + 1] = reduce(b)
    result[to + 2] = reduce(c)
    result[to + 3] = reduce(d)
  }
  return result
}

const areCells = (cells: Float32Array): boolean => {
  for (const cell of cells) if (!Number.isInteger(cell) || cell < leastCell || cell > mostCell) return false
  return true
}

/**
 * Whether `output`, of the chain's last size times `columns`, is the chain's last matrix modulo the prime: Freivalds' check, in
 * time of the square of the width where making it takes the cube. `random` must be drawn after the output was fixed. `rest` is awaited between layers.
 */
export const checkChain = async (
  chain: MatrixChain,
  output: Float32Array,
  random: (byteCount: number) => Uint8Array,
  rest: () => Promise<void> = async () => {},
): Promise<boolean> => {
  const start = chain.start()
  const rows = chain.sizes.at(-1) ?? 0
  if (output.length !== rows * start.columns || !areCells(output)) return false
  const by = Int32Array.from(random(start.columns * trials), (byte) => byte % chainPrime)
  const found = apply({ rows, columns: start.columns, cells: output }, by)
  let expected = apply(start, by)
  for (let layer = 0; layer + 1 < chain.sizes.length; layer++) {
    await rest()
    expected = apply(chain.factor(layer), expected)
  }
  return expected.every((value, at) => value === found[at])
}
