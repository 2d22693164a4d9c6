import { toJson, type JobId, type JobView, type Muster, type TimelineEvent } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { shorten } from '../format/format-record.ts'
import type { ProgressBar } from '../terminal/create-progress.ts'
import { showEvent } from './show-event.ts'

const doneOf = ({ counts }: TimelineEvent): number => counts.accepted + counts.final
const totalOf = ({ counts }: TimelineEvent): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

const noteOf = ({ counts }: TimelineEvent): string =>
  [
    counts.running > 0 ? `${counts.running} running` : '',
    counts.waiting > 0 ? `${counts.waiting} waiting` : '',
    counts.abandoned > 0 ? `${counts.abandoned} given up` : '',
  ]
    .filter((part) => part !== '')
    .join(', ')

/** A line for the job and one for each provider that works on it. */
const createLines = (session: Session) => {
  let all: ProgressBar | undefined
  const lines = new Map<string, { readonly bar: ProgressBar; running: number; done: number }>()
  const ran = new Map<string, string>()
  return (event: TimelineEvent): void => {
    all ??= session.progress.bar('tasks', totalOf(event))
    all.update({ done: doneOf(event), total: totalOf(event), note: noteOf(event) })
    if (event.type === 'lease-opened' && event.provider !== undefined && !lines.has(event.provider)) {
      lines.set(event.provider, { bar: session.progress.bar(shorten(event.provider)), running: 0, done: 0 })
    }
    for (const { index, fence } of event.tasks ?? []) {
      const attempt = `${index}.${fence}`
      const provider = event.type === 'dispatched' ? event.provider : ran.get(attempt)
      const line = provider === undefined ? undefined : lines.get(provider)
      if (provider === undefined || line === undefined) continue
      if (event.type === 'dispatched') {
        ran.set(attempt, provider)
        line.running++
      } else if (
        event.type === 'accepted' ||
        event.type === 'lost' ||
        event.type === 'failed' ||
        event.type === 'cancelled-attempts'
      ) {
        line.running--
        if (event.type === 'accepted') line.done++
      }
      line.bar.update({
        done: line.done,
        share: line.done / totalOf(event),
        note: line.running > 0 ? `${line.running} running` : '',
      })
    }
    if (event.type === 'lease-closed' && event.provider !== undefined) {
      const isLost = /lost/.test(event.message)
      const line = lines.get(event.provider)
      if (isLost) line?.bar.fail(session.style.yellow('lost; its tasks went to others'))
      else line?.bar.succeed('')
    }
    if (event.outcome === undefined) return
    for (const { bar } of lines.values()) bar.succeed('')
    if (event.outcome === 'succeeded') all.succeed('')
    else all.fail(event.outcome)
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
  try {
    const view = await muster.waitForJob(job, {
      after,
      signal,
      onReconnect: (error) => progress.print(style.dim(`${error.message} Trying again; the job goes on.\n`), 'stderr'),
      onEvent: (event) => {
        if (isJson && showsEvents) progress.print(`${toJson(event)}\n`)
        else if (showsEvents) progress.print(showEvent(event, style))
        update(event)
      },
    })
    return { view, status: view.outcome === 'succeeded' ? exitCodes.ok : exitCodes.failed }
  } catch (error) {
    if (signal.aborted && !isJson) {
      progress.print(`Not watching any more; the job goes on. Watch it with: muster job watch ${job}\n`, 'stderr')
    }
    throw error
  }
}
