import { replayJob, type Job, type JobId } from '@muster/protocol'
import type { Store } from '../store/store.ts'

export interface LoadedJob {
  readonly job: Job
  /** Events folded into it. */
  readonly version: number
}

/** A job from the journal: its newest snapshot and the events after it. */
export const loadJob = async (store: Pick<Store, 'readStream'>, id: JobId): Promise<LoadedJob | undefined> => {
  const stream = await store.readStream(id)
  if (stream === undefined) return undefined
  const events = stream.events.map(({ event }) => event)
  const job = replayJob(events, stream.snapshot?.job)
  return job === undefined ? undefined : { job, version: stream.version }
}
