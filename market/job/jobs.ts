import type { JobId } from '@muster/protocol'
import type { JobActor } from './job-actor.ts'

/** The jobs this node writes, those that are not closed yet. */
export interface Jobs {
  get(id: JobId): JobActor | undefined
  add(actor: JobActor): void
  remove(id: JobId): void
  /** Calls back once when the job is this node's no more: closed, or another's. */
  onRemoved(id: JobId, listener: () => void): () => void
  all(): Iterable<JobActor>
  count(): number
}

export const createJobs = (): Jobs => {
  const actors = new Map<JobId, JobActor>()
  const waiting = new Map<JobId, Set<() => void>>()
  return {
    get: (id) => actors.get(id),
    add: (actor) => void actors.set(actor.id, actor),
    remove: (id) => {
      actors.delete(id)
      for (const listener of waiting.get(id) ?? []) listener()
      waiting.delete(id)
    },
    onRemoved: (id, listener) => {
      const listeners = waiting.get(id) ?? new Set()
      waiting.set(id, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && waiting.get(id) === listeners) waiting.delete(id)
      }
    },
    all: () => actors.values(),
    count: () => actors.size,
  }
}
