import type { World } from '@muster/protocol'

export interface BackoffOptions {
  readonly minMs: number
  readonly maxMs: number
}

/** A number in [0, 1). */
const chance = (world: World): number => {
  const [a = 0, b = 0, c = 0, d = 0] = world.random(4)
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32
}

/**
 * Exponential back-off with full jitter: before try `failures` (1 for the first repetition) a wait drawn evenly from
 * `minMs` to `minMs * 2 ** failures`, at most `maxMs`.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const backoffMs = (world: World, failures: number, { minMs, maxMs }: BackoffOptions): number => {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(failures, 30))
  return minMs + chance(world) * (ceiling - minMs)
}
