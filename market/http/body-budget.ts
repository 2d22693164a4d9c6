import { MusterError } from '@muster/protocol'

/** Bytes that bodies in memory hold together. */
export interface BodyBudget {
  /** A body's share of it. */
  open(): BodyShare
}

export interface BodyShare {
  /** Throws `rate_limited` where bodies hold too much already. */
  take(bytes: number): void
  /** Gives all of it back. */
  release(): void
}

const retryAfterMs = 5_000

export const createBodyBudget = (maxBytes: number): BodyBudget => {
  let heldBytes = 0
  return {
    open: () => {
      let ownBytes = 0
      return {
        take: (bytes) => {
          if (heldBytes + bytes > maxBytes) {
            throw new MusterError({
              code: 'rate_limited',
              message: 'The market reads too many large requests at once; try again in a moment.',
              retryAfterMs,
            })
          }
          heldBytes += bytes
          ownBytes += bytes
        },
        release: () => {
          heldBytes -= ownBytes
          ownBytes = 0
        },
      }
    },
  }
}
