import { createJobMeter, type JobEvent, type JobId, type JobMeter, type Log, type World } from '@muster/protocol'
import type { ClosedJob, Store } from '../store/store.ts'
import type { ProviderRecords } from './provider-records.ts'

/** Makes observations of providers out of the events of jobs. */
export interface ObserveJobs {
  /** Events of a job that became durable, in order. */
  take(job: JobId, events: readonly JobEvent[]): void
  /** Reads jobs again that closed since shortly before the newest observation: what a crash lost is made up for. */
  start(): Promise<void>
}

export interface ObserveJobsModules {
  readonly world: World
  readonly store: Pick<Store, 'readEvents' | 'jobs'>
  readonly records: Pick<ProviderRecords, 'add' | 'recall'>
  readonly isOver: () => boolean
  readonly log: Log
}

const pageEvents = 1_000
const pageJobs = 200
/** How long before the newest observation a lease may have closed whose own was not written: many tries of a write. */
const slackMs = 600_000
/** Where there is no observation at all. */
const longestMs = 30 * 86_400_000
const retryMs = 60_000

/**
 * A job that began here is measured as its events come; one that was taken up, of which this process lacks the beginning,
 * is read from the journal when it closes. Either way an observation bears the lease's id, and counts once.
 */
export const createObserveJobs = ({ world, store, records, isOver, log }: ObserveJobsModules): ObserveJobs => {
  const meters = new Map<JobId, JobMeter>()
  const unread = new Set<JobId>()
  let isReading = false

  const step = (meter: JobMeter, event: JobEvent): void => {
    for (const seen of meter.step(event)) records.add(seen)
  }

  const readAgain = async (job: JobId): Promise<void> => {
    const meter = createJobMeter()
    for (let from = 0, isMore = true; isMore && !isOver();) {
      const page = await store.readEvents(job, { from, limit: pageEvents })
      for (const { event } of page) step(meter, event)
      from += page.length
      isMore = page.length === pageEvents
    }
  }

  const pump = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    try {
      for (const job of unread) {
        if (isOver()) break
        await readAgain(job)
        unread.delete(job)
      }
    } catch (error) {
      log.warn('could not read a job for the records of its providers; trying again', { error })
      world.after(retryMs, () => void pump())
    } finally {
      isReading = false
    }
  }

  return {
    take: (job, events) => {
      for (const event of events) {
        if (event.type === 'submitted') meters.set(job, createJobMeter())
        const meter = meters.get(job)
        if (meter !== undefined) step(meter, event)
        if (event.type !== 'closed') continue
        if (meter === undefined) unread.add(job)
        meters.delete(job)
      }
      if (unread.size > 0) void pump()
    },
    start: async () => {
      const newest = await records.recall()
      const since = newest === undefined ? world.now() - longestMs : newest - slackMs
      let after: ClosedJob | undefined
      for (let isMore = true; isMore && !isOver();) {
        const page = await store.jobs.closedSince({ since, limit: pageJobs, ...(after === undefined ? {} : { after }) })
        for (const { id } of page) await readAgain(id)
        after = page.at(-1)
        isMore = page.length === pageJobs
      }
    },
  }
}
