import type { LeaseId } from '@muster/protocol'

/** Work queued per slot at the agent, so that no slot waits for the next message. */
const queuedMs = 150
const maxDepth = 128
const firstDepth = 2

/** How many attempts per slot to hand to each lease, from how long its tasks took. */
export interface DispatchDepth {
  of(lease: LeaseId): number
  /** Notes that an attempt held its slot this long. */
  observe(lease: LeaseId, slotMs: number): void
  forget(lease: LeaseId): void
}

export const createDispatchDepth = (): DispatchDepth => {
  const meanMs = new Map<LeaseId, number>()
  return {
    of: (lease) => {
      const mean = meanMs.get(lease)
      return mean === undefined ? firstDepth : Math.min(maxDepth, 1 + Math.ceil(queuedMs / Math.max(1, mean)))
    },
    observe: (lease, slotMs) => {
      const mean = meanMs.get(lease)
      meanMs.set(lease, mean === undefined ? slotMs : mean + (slotMs - mean) / 8)
    },
    forget: (lease) => void meanMs.delete(lease),
  }
}
