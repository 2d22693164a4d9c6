import { stepJob, type Job, type JobId } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import { loadJob, type LoadedJob } from './load-job.ts'

/** A job that another node writes, as the journal has it now. What was read of it before is not read again. */
export type FollowJob = (id: JobId) => Promise<Job | undefined>

const keptJobs = 4_096
const pageEvents = 1_000

export const createFollowJob = (store: Pick<Store, 'readStream' | 'readEvents'>): FollowJob => {
  /** In the order of use. */
  const known = new Map<JobId, LoadedJob>()

  const catchUp = async (id: JobId, { job, version }: LoadedJob): Promise<LoadedJob> => {
    let now = job
    let at = version
    for (let isMore = true; isMore;) {
      const page = await store.readEvents(id, { from: at, limit: pageEvents })
      for (const { event } of page) now = stepJob(now, event)
      at += page.length
      isMore = page.length === pageEvents
    }
    return { job: now, version: at }
  }

  return async (id) => {
    const kept = known.get(id)
    // Two that follow one job at once would both step it.
    known.delete(id)
    const read = kept === undefined ? await loadJob(store, id) : await catchUp(id, kept)
    if (read === undefined || read.job.closed !== null) return read?.job
    known.set(id, read)
    const [oldest] = known.keys()
    if (known.size > keptJobs && oldest !== undefined) known.delete(oldest)
    return read.job
  }
}
