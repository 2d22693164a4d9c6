import type { Cid, LeaseId, RuntimeKind } from '@muster/protocol'

/** Work queued per slot at the agent, so that no slot waits for the next message. */
const queuedMs = 150
const maxDepth = 128
const firstDepth = 2
const rememberedPrograms = 10_000

/** What the tasks of a lease run. */
export type Workload = Cid | RuntimeKind

/** How many attempts per slot to hand to each lease, from how long its tasks took. */
export interface DispatchDepth {
  /** A lease nothing is known of yet is judged by what its workload took elsewhere. */
  of(lease: LeaseId, workload: Workload): number
  /** How long an attempt holds its slot: of this lease, or of its workload elsewhere, where that is known. */
  expectedMs(lease: LeaseId, workload: Workload): number | undefined
  /** Notes that an attempt held its slot this long. */
  observe(lease: LeaseId, workload: Workload, slotMs: number): void
  forget(lease: LeaseId): void
}

const average = (mean: number | undefined, slotMs: number): number =>
  mean === undefined ? slotMs : mean + (slotMs - mean) / 8

export const createDispatchDepth = (): DispatchDepth => {
  const ofLease = new Map<LeaseId, number>()
  const ofWorkload = new Map<Workload, number>()
  const expectedMs = (lease: LeaseId, workload: Workload): number | undefined =>
    ofLease.get(lease) ?? ofWorkload.get(workload)
  return {
    expectedMs,
    of: (lease, workload) => {
      const mean = expectedMs(lease, workload)
      return mean === undefined ? firstDepth : Math.min(maxDepth, 1 + Math.ceil(queuedMs / Math.max(1, mean)))
    },
    observe: (lease, workload, slotMs) => {
      ofLease.set(lease, average(ofLease.get(lease), slotMs))
      if (ofWorkload.size >= rememberedPrograms && !ofWorkload.has(workload)) ofWorkload.clear()
      ofWorkload.set(workload, average(ofWorkload.get(workload), slotMs))
    },
    forget: (lease) => void ofLease.delete(lease),
  }
}

export const workloadOf = (spec: { readonly program: Cid | null; readonly runtime: RuntimeKind }): Workload =>
  spec.program ?? spec.runtime
