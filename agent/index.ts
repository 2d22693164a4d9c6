export { createAgent, type Agent, type AgentModules, type AgentStatus } from './agent.ts'
export type { BlobCache } from './blob/blob-cache.ts'
export { openMemoryBlobCache } from './blob/memory/open-blob-cache.ts'
export type { Journal } from './journal/journal.ts'
export type { JournalChange, JournalRecord } from './journal/journal-record.ts'
export { openMemoryJournal } from './journal/memory/open-journal.ts'
export type { Lifecycle } from './lifecycle.ts'
export { agentOptions, defaultAgentOptions, type AgentOptions, type OwnerOptions } from './options.ts'
export type { SampleLoad } from './owner/watch-owner.ts'
export type { SimulatedBug } from './simulated-bug.ts'
export { createNoopWorkload } from './workload/noop/create-workload.ts'
export type {
  ReadBlob,
  Workload,
  WorkloadLimits,
  WorkloadOutput,
  WorkloadResult,
  WorkloadTask,
} from './workload/workload.ts'
