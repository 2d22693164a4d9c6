import type { JobSpecInput } from '../job/check-spec.ts'

/** A job of so many tasks that do nothing, at a price the fake offers meet. */
export const noopSpec = (tasks = 3): JobSpecInput => ({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'nothing',
  runtime: 'noop',
  program: null,
  tasks: Array.from({ length: tasks }, () => ({ inputs: [] })),
  slots: 2,
  resources: { cpuMilli: 500, memoryBytes: 2 ** 20, diskBytes: 0 },
  maxPrice: { nanoUsd: 1000n, per: 'task' },
  ceiling: 1_000_000n,
})
