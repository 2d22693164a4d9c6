/** Cores, memory, disk, GPUs, the least memory of a GPU, network down and up, expiry. */
export const measureCount = 8

const gib = 2 ** 30
const mbps = [10, 50, 100, 250, 500, 1_000, 5_000]
const stepCount = 7

/** Steps in which machines grow, seven for each measure but the last: cores, memory, disk, GPUs, memory of each, network down and up. */
const steps = Float64Array.from([
  ...[2, 4, 8, 16, 32, 64, 128].map((cores) => cores * 1000),
  ...[4, 16, 32, 64, 128, 256, 512].map((size) => size * gib),
  ...[1, 20, 100, 250, 500, 1_000, 4_000].map((size) => size * gib),
  ...[1, 2, 3, 4, 6, 8, 16],
  ...[8, 12, 16, 24, 40, 48, 80].map((size) => size * gib),
  ...mbps,
  ...mbps,
])

/** A bit above each step's three. */
const guards = 0x8888888

/** The bits of a code above its sizes: runtimes, of which there are `packedRuntimes` at most; the others are told apart elsewhere. */
const runtimeShift = 28
export const packedRuntimes = 4
const sizeBits = (1 << runtimeShift) - 1

/** Runtimes, given as bits, as they are in a code. */
export const runtimeCode = (runtimes: number): number => (runtimes & ((1 << packedRuntimes) - 1)) << runtimeShift

/** Measures in 28 bits, for each the number of steps it reaches: `reaches` compares all at once. */
export const sizeCode = (measures: Float64Array, from: number): number => {
  let code = 0
  for (let at = 0, index = from, shift = 0; at < steps.length; at += stepCount, index++, shift += 4) {
    const value = measures[index] ?? 0
    let reached = 0
    while (reached < stepCount && value >= (steps[at + reached] ?? 0)) reached++
    code |= reached << shift
  }
  return code
}

/** False only where some measure behind the first code is less than that behind the second, which has no runtimes. */
export const reaches = (code: number, need: number): boolean => (((code | guards) - need) & guards) === guards

/** Whether one of these runtimes is in the code; where none is named, any will do. */
export const hasRuntime = (code: number, runtimes: number): boolean => runtimes === 0 || (code & runtimes) !== 0

/** For each measure the larger step of the two, and the runtimes of both. */
export const largest = (a: number, b: number): number => {
  const isNotLess = ((a | guards) - (b & sizeBits)) & guards
  // A guard less its lowest bit below is the three bits of its step.
  const mask = isNotLess - (isNotLess >>> 3)
  return (a & mask) | (b & sizeBits & ~mask) | ((a | b) & ~sizeBits)
}
