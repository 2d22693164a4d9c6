const gib = 2 ** 30
const mbps = [10, 50, 100, 250, 500, 1_000, 5_000]

/** Steps in which machines grow, for each measure but the last: cores, memory, disk, GPUs, memory of each, network down and up. */
const steps: readonly (readonly number[])[] = [
  [2, 4, 8, 16, 32, 64, 128].map((cores) => cores * 1000),
  [4, 16, 32, 64, 128, 256, 512].map((size) => size * gib),
  [1, 20, 100, 250, 500, 1_000, 4_000].map((size) => size * gib),
  [1, 2, 3, 4, 6, 8, 16],
  [8, 12, 16, 24, 40, 48, 80].map((size) => size * gib),
  mbps,
  mbps,
]

/** A bit above each step's three. */
const guards = 0x8888888

/** Measures in 28 bits, for each the number of steps it reaches: `reaches` compares all at once. */
export const sizeCode = (measures: Float64Array, from: number): number => {
  let code = 0
  for (let index = 0; index < steps.length; index++) {
    const value = measures[from + index] ?? 0
    let reached = 0
    for (const step of steps[index] ?? []) if (value >= step) reached++
    code |= reached << (index * 4)
  }
  return code
}

/** False only where some measure behind the first code is less than that behind the second. */
export const reaches = (code: number, need: number): boolean => (((code | guards) - need) & guards) === guards
