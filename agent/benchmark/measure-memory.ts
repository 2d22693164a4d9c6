import { sleep, type MachineFindings, type World } from '@muster/protocol'

const mebibyte = 2 ** 20
const bufferBytes = 64 * mebibyte
/** Copied at once: a few milliseconds, so that nothing else waits long. */
const stepBytes = 4 * mebibyte
const rounds = 3

/** Copies between two buffers that are larger than most caches, in steps that let others in between. */
export const measureMemory = async (world: World, signal: AbortSignal): Promise<MachineFindings['memory']> => {
  const from = new Uint8Array(bufferBytes).fill(1)
  const to = new Uint8Array(bufferBytes).fill(2)
  let tookMs = 0
  for (let round = 0; round < rounds; round++) {
    for (let at = 0; at < bufferBytes; at += stepBytes) {
      const startedAt = world.elapsed()
      to.set(from.subarray(at, at + stepBytes), at)
      tookMs += world.elapsed() - startedAt
      await sleep(world, 0, signal)
    }
  }
  return { bytes: bufferBytes * rounds, tookUs: Math.round(tookMs * 1000) }
}
