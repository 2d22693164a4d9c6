import { describeEvent, stepJob, type Job, type JobId, type TimelineEvent } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { Jobs } from './jobs.ts'

export interface WatchJobModules {
  readonly store: Store
  readonly jobs: Jobs
}

const pageEvents = 2_000
const maxBehind = 2_000

/** The timeline so far, from the journal: the events after the first `after`, each with the job folded up to it. */
async function* replayTimeline(id: JobId, after: number, store: Store): AsyncGenerator<readonly TimelineEvent[]> {
  let job: Job | undefined
  let version = 0
  while (true) {
    const page = await store.readEvents(id, { from: version, limit: pageEvents })
    const shown: TimelineEvent[] = []
    for (const { event } of page) {
      job = stepJob(job, event)
      version++
      if (version > after) shown.push(describeEvent(job, version, event))
    }
    if (shown.length > 0) yield shown
    if (page.length < pageEvents) return
  }
}

/**
 * The timeline of a job after its first `after` events, as many at a time as there are: what is in the journal, then what
 * happens, until the job is closed or `signal` aborts. A watcher that falls too far behind is ended, and comes back with the last version it saw.
 */
export async function* watchJob(
  id: JobId,
  after: number,
  { store, jobs }: WatchJobModules,
  signal: AbortSignal,
): AsyncGenerator<readonly TimelineEvent[]> {
  let live: TimelineEvent[] = []
  let wake = () => {}
  let isBehind = false
  let isElsewhere = false
  const unwatch = jobs.get(id)?.watch((event) => {
    if (live.length >= maxBehind) isBehind = true
    else live.push(event)
    wake()
  })
  const forget = jobs.onRemoved(id, () => {
    isElsewhere = true
    wake()
  })
  const onAbort = () => wake()
  signal.addEventListener('abort', onAbort)
  try {
    let seen = after
    let isClosed = false
    for await (const events of replayTimeline(id, after, store)) {
      if (signal.aborted) return
      yield events
      seen = events.at(-1)?.version ?? seen
      isClosed = events.at(-1)?.type === 'closed'
    }
    if (unwatch === undefined) return
    while (!isClosed && !signal.aborted && !isBehind) {
      const events = live.filter(({ version }) => version > seen)
      live = []
      if (events.length === 0) {
        if (isElsewhere) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      yield events
      seen = events.at(-1)?.version ?? seen
      isClosed = events.at(-1)?.type === 'closed'
    }
  } finally {
    unwatch?.()
    forget()
    signal.removeEventListener('abort', onAbort)
  }
}
