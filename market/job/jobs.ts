import type { JobId } from '@muster/protocol'
import type { JobActor } from './job-actor.ts'

/** The jobs this node writes, those that are not closed yet. */
export interface Jobs {
  get(id: JobId): JobActor | undefined
  add(actor: JobActor): void
  remove(id: JobId): void
  all(): Iterable<JobActor>
  count(): number
}

export const createJobs = (): Jobs => {
  const actors = new Map<JobId, JobActor>()
  return {
    get: (id) => actors.get(id),
    add: (actor) => void actors.set(actor.id, actor),
    remove: (id) => void actors.delete(id),
    all: () => actors.values(),
    count: () => actors.size,
  }
}
