import { vectorMismatches } from '@muster/graph'
import type { Digest, Log } from '@muster/protocol'
import type { Bench } from './bench.ts'

/** The reproducibility vector of this process, run once: its runtime is the same as long as it lives. */
export interface VectorWatch {
  /** Digests of the outputs; says in the log what they mean when they are new. Rejects where the run was ended. */
  digests(signal: AbortSignal): Promise<readonly Digest[]>
}

export const createVectorWatch = (bench: Bench, log: Log): VectorWatch => {
  let known: readonly Digest[] | undefined
  return {
    digests: async (signal) => {
      if (known !== undefined) return known
      known = await bench.vector(signal)
      const wrong = vectorMismatches(known) ?? []
      if (wrong.length === 0) {
        log.info('this machine reproduces the pinned outputs of its runtime', { operators: known.length })
      } else {
        log.warn(
          'this machine does not reproduce the pinned outputs of its runtime; it gets no graph work that is to be verified',
          { wrong, operators: known.length },
        )
      }
      return known
    },
  }
}
