import { toJson, type JobId, type JobView, type Muster, type TimelineEvent } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { shorten } from '../format/format-record.ts'
import type { ProgressBar } from '../terminal/create-progress.ts'
import { foldEvents } from './fold-events.ts'
import { showEvent } from './show-event.ts'

const doneOf = ({ counts }: TimelineEvent): number => counts.accepted + counts.final
const totalOf = ({ counts }: TimelineEvent): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

const noteOf = ({ counts }: TimelineEvent): string =>
  [
    counts.running > 0 ? `${counts.running} handed out` : '',
    counts.waiting > 0 ? `${counts.waiting} waiting` : '',
    counts.abandoned > 0 ? `${counts.abandoned} given up` : '',
  ]
    .filter((part) => part !== '')
    .join(', ')

/** One provider that works on the job: its line, and what it holds. */
interface Worker {
  bar: ProgressBar
  readonly leases: Set<string>
  handedOut: number
  done: number
}

/** A line for the job and one for each provider that works on it; one that comes back gets a new line. */
const createLines = (session: Session) => {
  let all: ProgressBar | undefined
  const workers = new Map<string, Worker>()
  const ran = new Map<string, string>()

  const open = (provider: string, lease: string): void => {
    const bar = () => session.progress.bar(shorten(provider))
    const worker = workers.get(provider) ?? { bar: bar(), leases: new Set(), handedOut: 0, done: 0 }
    if (workers.has(provider) && worker.leases.size === 0) {
      worker.bar.remove()
      worker.bar = bar()
    }
    workers.set(provider, worker)
    worker.leases.add(lease)
  }

  const close = (provider: string, lease: string, isLost: boolean): void => {
    const worker = workers.get(provider)
    worker?.leases.delete(lease)
    if (worker === undefined || worker.leases.size > 0) return
    if (isLost) worker.bar.fail(session.style.yellow('lost; its tasks went to others'))
    else worker.bar.succeed('')
  }

  return (event: TimelineEvent): void => {
    const { type, provider: at, lease, tasks = [], outcome } = event
    all ??= session.progress.bar('tasks', totalOf(event))
    all.update({ done: doneOf(event), total: totalOf(event), note: noteOf(event) })
    if (type === 'lease-opened' && at !== undefined) open(at, lease ?? '')
    for (const { index, fence } of tasks) {
      const attempt = `${index}.${fence}`
      const provider = type === 'dispatched' ? at : ran.get(attempt)
      const worker = provider === undefined ? undefined : workers.get(provider)
      if (provider === undefined || worker === undefined) continue
      if (type === 'dispatched') {
        ran.set(attempt, provider)
        worker.handedOut++
      } else if (type === 'accepted' || type === 'lost' || type === 'failed' || type === 'cancelled-attempts') {
        worker.handedOut--
        if (type === 'accepted') worker.done++
      }
      worker.bar.update({
        done: worker.done,
        share: worker.done / totalOf(event),
        note: worker.handedOut > 0 ? `${worker.handedOut} handed out` : '',
      })
    }
    if (type === 'lease-closed' && at !== undefined) close(at, lease ?? '', /lost/.test(event.message))
    if (outcome === undefined) return
    for (const { bar } of workers.values()) bar.succeed('')
    if (outcome === 'succeeded') all.succeed('')
    else all.fail(outcome)
  }
}

/** Writes the timeline: on a terminal with runs of everyday events folded, elsewhere an event a line; JSON with --json. */
const createTimeline = ({ progress, style, isJson, terminal }: Session) => {
  const isWatched = !isJson && terminal.stdout.isTty && terminal.stderr.isTty
  const fold = foldEvents(style)
  const write = (done: string, live: string) => {
    progress.live(live)
    if (done !== '') progress.print(done)
  }
  return {
    show: (event: TimelineEvent): void => {
      if (isJson) progress.print(`${toJson(event)}\n`, 'stdout', 'as-is')
      else if (!isWatched) progress.print(showEvent(event, style))
      else {
        const { done, live } = fold.add(event)
        write(done, live)
      }
    },
    end: (): void => write(fold.end(), ''),
  }
}

export interface FollowOptions {
  readonly after?: number
  /** Print each event as it happens; with --json they are printed always. */
  readonly showsEvents: boolean
}

/** Follows a job to its end, with progress on a terminal. Gives the closed job and the exit status it stands for. */
export const followJob = async (
  session: Session,
  muster: Muster,
  job: JobId,
  { after = 0, showsEvents }: FollowOptions,
): Promise<{ readonly view: JobView; readonly status: number }> => {
  const { progress, style, isJson, signal } = session
  const update = createLines(session)
  const timeline = createTimeline(session)
  try {
    const view = await muster.waitForJob(job, {
      after,
      signal,
      onReconnect: (error) => progress.print(style.dim(`${error.message} Trying again; the job goes on.\n`), 'stderr'),
      onEvent: (event) => {
        if (showsEvents) timeline.show(event)
        update(event)
      },
    })
    timeline.end()
    return { view, status: view.outcome === 'succeeded' ? exitCodes.ok : exitCodes.failed }
  } catch (error) {
    timeline.end()
    if (signal.aborted && !isJson) {
      progress.print(`Not watching any more; the job goes on. Watch it with: muster job watch ${job}\n`, 'stderr')
    }
    throw error
  }
}
