import { describeEvent, stepJob, type Job, type JobId, type TimelineEvent } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { Jobs } from './jobs.ts'

export interface WatchJobModules {
  readonly store: Store
  readonly jobs: Jobs
}

const pageEvents = 2_000
const maxBehind = 2_000

/** The timeline so far, from the journal: each event after the first `after`, with the job folded up to it. */
async function* replayTimeline(id: JobId, after: number, store: Store): AsyncGenerator<TimelineEvent> {
  let job: Job | undefined
  let version = 0
  while (true) {
    const page = await store.readEvents(id, { from: version, limit: pageEvents })
    for (const { event } of page) {
      job = stepJob(job, event)
      version++
      if (version > after) yield describeEvent(job, version, event)
    }
    if (page.length < pageEvents) return
  }
}

/**
 * The timeline of a job after its first `after` events: what is in the journal, then what happens, until the job is closed
 * or `signal` aborts. A watcher that falls too far behind is ended, and comes back with the last version it saw.
 */
export async function* watchJob(
  id: JobId,
  after: number,
  { store, jobs }: WatchJobModules,
  signal: AbortSignal,
): AsyncGenerator<TimelineEvent> {
  const live: TimelineEvent[] = []
  let wake = () => {}
  let isBehind = false
  const unwatch = jobs.get(id)?.watch((event) => {
    if (live.length >= maxBehind) isBehind = true
    else live.push(event)
    wake()
  })
  const onAbort = () => wake()
  signal.addEventListener('abort', onAbort)
  try {
    let seen = after
    let isClosed = false
    for await (const event of replayTimeline(id, after, store)) {
      if (signal.aborted) return
      yield event
      seen = event.version
      isClosed = event.type === 'closed'
    }
    if (unwatch === undefined) return
    while (!isClosed && !signal.aborted && !isBehind) {
      const event = live.shift()
      if (event === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      if (event.version <= seen) continue
      yield event
      seen = event.version
      isClosed = event.type === 'closed'
    }
  } finally {
    unwatch?.()
    signal.removeEventListener('abort', onAbort)
  }
}
