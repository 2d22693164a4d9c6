import type { TimelineEvent } from '@muster/sdk'
import { formatClock } from '../format/format-time.ts'
import type { Style } from '../terminal/style.ts'
import { padEnd } from '../terminal/text-width.ts'
import { eventTypeWidth, showEvent } from './show-event.ts'

/** The everyday of a job: many of these follow each other, and none says much by itself. */
const everyday = new Set(['dispatched', 'claimed', 'accepted', 'finalised'])

/** A run of everyday events that follow each other. */
interface Run {
  readonly first: TimelineEvent
  readonly events: number
  readonly sent: number
  readonly providers: ReadonlySet<string>
  readonly accepted: number
  readonly paid: number
  readonly last: TimelineEvent
}

const countOf = (event: TimelineEvent, type: string): number => (event.type === type ? (event.tasks?.length ?? 0) : 0)

const paidBy = (event: TimelineEvent, before: TimelineEvent | undefined): number =>
  before === undefined ? 0 : Math.max(0, event.counts.final - before.counts.final)

const longer = (run: Run | undefined, event: TimelineEvent, before: TimelineEvent | undefined): Run => ({
  first: run?.first ?? event,
  events: (run?.events ?? 0) + 1,
  sent: (run?.sent ?? 0) + countOf(event, 'dispatched'),
  providers: new Set([...(run?.providers ?? []), ...(event.provider === undefined ? [] : [event.provider])]),
  accepted: (run?.accepted ?? 0) + countOf(event, 'accepted'),
  paid: (run?.paid ?? 0) + paidBy(event, before),
  last: event,
})

const sayRun = ({ sent, providers, accepted, paid, last: { counts } }: Run): string => {
  const to = providers.size === 0 ? '' : ` to ${providers.size} ${providers.size === 1 ? 'provider' : 'providers'}`
  const parts = [
    ...(sent > 0 ? [`sent ${sent}${to}`] : []),
    ...(accepted > 0 ? [`accepted ${accepted}`] : []),
    ...(paid > 0 ? [`paid ${paid}`] : []),
  ]
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const sentence = parts.length === 0 ? 'claims arrived' : parts.join(', ')
  return `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}; ${counts.accepted + counts.final} of ${total} tasks done.`
}

const showRun = (run: Run, style: Style): string => {
  if (run.events === 1) return showEvent(run.first, style)
  const clock = style.dim(formatClock(run.last.at))
  return `${clock}  ${padEnd(`${run.events} events`, eventTypeWidth)}  ${sayRun(run)}\n`
}

export interface Folded {
  /** What is over and can be written for good: lines that end in a newline, or nothing. */
  readonly done: string
  /** The run that may still grow, as one line without its end; nothing where there is none. */
  readonly live: string
}

/**
 * A timeline with each run of everyday events (sent, claimed, accepted, paid) as one line, that grows until something else happens.
 * `end` gives the line of the last run.
 */
export const foldEvents = (style: Style) => {
  let run: Run | undefined
  let before: TimelineEvent | undefined
  const end = (): string => {
    const done = run === undefined ? '' : showRun(run, style)
    run = undefined
    return done
  }
  const add = (event: TimelineEvent): Folded => {
    const isEveryday = everyday.has(event.type)
    const done = isEveryday ? '' : end() + showEvent(event, style)
    if (isEveryday) run = longer(run, event, before)
    before = event
    return { done, live: run === undefined ? '' : showRun(run, style).trimEnd() }
  }
  return { add, end }
}
