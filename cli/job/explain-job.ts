import {
  chargeFor,
  formatUsd,
  fromProblem,
  isId,
  type JobId,
  type JobView,
  type Muster,
  type Problem,
  type SignedOffer,
  type TimelineEvent,
} from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { renderError } from '../error/render-error.ts'
import { sayFault } from '../error/advice.ts'
import { sayAmounts } from '../error/say-amounts.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatPrice, shorten } from '../format/format-record.ts'
import { plural } from '../format/plural.ts'
import type { CompiledJob } from '../job-file/compile-job.ts'
import { renderTable } from '../terminal/render-table.ts'
import { printable } from '../terminal/text-width.ts'
import { demandOf } from './demand-of.ts'
import { explainFileEverywhere } from './explain-everywhere.ts'
import { readStanding } from './read-standing.ts'
import { sayWait, showLeases } from './say-standing.ts'
import { showEvent } from './show-event.ts'
import { renderJob } from './show-job.ts'
import { loadJobFile } from './submit-job.ts'

const costWith = ({ record }: SignedOffer, { spec, manifest }: CompiledJob): string => {
  const isCountless =
    record.price.per === 'hour' || (record.price.per === 'operator' && spec.program !== null && manifest === undefined)
  if (isCountless) return '–'
  const each = chargeFor(record.price, { operators: manifest?.operators ?? 0, slotMs: 0 })
  return formatUsd(each * BigInt(spec.tasks.length))
}

const columns = [
  { title: 'provider' },
  { title: 'region', spare: 1 },
  { title: 'slots', align: 'right' },
  { title: 'price', align: 'right' },
  { title: 'all tasks would cost', align: 'right' },
] as const

const scoredColumns = [
  ...columns,
  { title: 'a finished task', align: 'right' },
  { title: 'of it transfer', align: 'right', spare: 2 },
  { title: 'starts', align: 'right' },
] as const

/** Dollars of expected nano-dollars; `∞` where there is no end to them. */
const sayExpected = (nanoUsd: number | null): string =>
  nanoUsd === null ? '∞' : formatUsd(BigInt(Math.round(nanoUsd)))

type Scored = Awaited<ReturnType<Muster['match']>>['effective'][number]

const scoreCells = (scored: Scored | undefined): string[] =>
  scored === undefined
    ? []
    : [
        sayExpected(scored.nanoUsd),
        sayExpected(scored.transfer),
        scored.starts === null ? '∞' : scored.starts.toPrecision(3),
      ]

const rules = {
  lowest: 'the cheapest is taken first',
  effective: 'the one where a finished task is expected to cost least is taken first (award: effective)',
} as const

/** What a job would get now, before it is submitted. */
const explainFile = async (session: Session, muster: Muster, file: string): Promise<number> => {
  const compiled = await loadJobFile(session, file)
  const { spec } = compiled
  const { award, program } = spec
  const { signal } = session
  const { offers, slots, effective, problem } = await muster.match({ ...demandOf(spec), award, program }, { signal })
  const { style, terminal } = session
  session.print({ spec: demandOf(spec), award, slots, offers, effective, problem }, () => {
    if (problem !== null) return renderError(fromProblem(problem), terminal, false)
    const rows = offers.map((offer, index) => [
      shorten(offer.record.provider),
      offer.record.region,
      String(offer.record.slots),
      formatPrice(offer.record.price),
      costWith(offer, compiled),
      ...scoreCells(effective[index]),
    ])
    const head = `${style.green('✓')} ${plural(offers.length, 'offer')} ${offers.length === 1 ? 'fits' : 'fit'}, with ${slots} slots free for the ${spec.slots} wanted; ${rules[award]}.\n\n`
    const shown = effective.length > 0 ? scoredColumns : columns
    return head + renderTable(shown, rows, { style, width: terminal.stdout.columns })
  })
  return problem === null ? exitCodes.ok : exitCodes.nothingFits
}

interface Trouble {
  readonly problem: Problem
  readonly tasks: number
}

/** What went wrong, each thing once with the number of tasks it befell. */
const troublesOf = (events: readonly TimelineEvent[]): Trouble[] => {
  const troubles = new Map<string, Trouble>()
  for (const { tasks = [] } of events) {
    for (const { problem } of tasks) {
      if (problem === undefined) continue
      const key = `${problem.code} ${problem.message}`
      troubles.set(key, { problem, tasks: (troubles.get(key)?.tasks ?? 0) + 1 })
    }
  }
  return [...troubles.values()].toSorted((a, b) => b.tasks - a.tasks)
}

const telling = new Set([
  'unmatched',
  'lease-suspected',
  'lease-recovered',
  'lease-noticed',
  'lease-amended',
  'resized',
  'lost',
  'abandoned',
  'overturned',
  'cancel-requested',
  'closed',
])

/** How long after the last event what there is so far of a running job counts as read. */
const quietMs = 500
const mostEvents = 20

/** The timeline so far. Of a job that goes on it ends with the first event after it was asked for, or when none comes. */
const readTimeline = async (muster: Muster, view: JobView, signal: AbortSignal): Promise<TimelineEvent[]> => {
  const events: TimelineEvent[] = []
  const enough = new AbortController()
  const { now } = await muster.market({ signal })
  const quiet = view.phase === 'closed' ? undefined : setTimeout(() => enough.abort(), quietMs)
  try {
    for await (const event of muster.watchJob(view.id, { signal: AbortSignal.any([signal, enough.signal]) })) {
      events.push(event)
      if (quiet !== undefined && event.at > now) break
      quiet?.refresh()
    }
  } catch (error) {
    if (!enough.signal.aborted) throw error
  } finally {
    clearTimeout(quiet)
  }
  return events
}

/** Why a job is where it is: what it waits for, what went wrong and whose fault that was. */
const explainRun = async (session: Session, muster: Muster, job: JobId): Promise<number> => {
  const { signal } = session
  const first = await muster.getJob(job, { signal })
  const events = await readTimeline(muster, first, signal)
  const view = first.phase === 'closed' ? first : await muster.getJob(job, { signal })
  const troubles = troublesOf(events)
  const notable = events.filter(({ type }) => telling.has(type))
  const isActive = view.phase === 'active'
  const leases = isActive ? readStanding(events) : []
  const isCancelled = events.some(({ type }) => type === 'cancel-requested')
  const wait = isActive ? sayWait({ ...view, counts: events.at(-1)?.counts ?? view.counts }, leases, isCancelled) : null
  const { style, terminal } = session
  session.print({ ...view, wait, leases, troubles, events: notable }, () => {
    const width = terminal.stdout.columns
    const held = showLeases(leases, { style, width, now: session.now() })
    const waiting = view.unmatched === null ? '' : `\n${renderError(fromProblem(view.unmatched), terminal, false)}`
    const table = renderTable(
      [
        { title: 'tasks', align: 'right' },
        { title: 'whose fault' },
        { title: 'code' },
        { title: 'what happened', isFlexible: true, wraps: true },
      ],
      troubles.map(({ problem, tasks }) => [
        String(tasks),
        sayFault(problem.fault),
        problem.code,
        printable(sayAmounts(problem.message)),
      ]),
      { style, width },
    )
    const shown = notable.slice(-mostEvents)
    const before = notable.length - shown.length
    const earlier = before === 0 ? '' : style.dim(`… ${before} earlier; see them with: muster job watch ${job}\n`)
    const said = earlier + shown.map((event) => showEvent(event, style)).join('')
    return [
      renderJob(view, style, session.now()),
      wait === null ? '' : `\n${wait}\n`,
      held === '' ? '' : `\n${held}`,
      waiting,
      table === '' ? '' : `\n${table}`,
      said === '' ? '' : `\n${said}`,
    ].join('')
  })
  return exitCodes.ok
}

/** `muster job explain`: of a job file what it would get; of a job why it is where it is. */
export const explainJob = async (session: Session, given: string): Promise<number> => {
  if (isId('job', given)) return explainRun(session, await session.connectFor(given), given)
  return (await session.contexts()).length > 1
    ? explainFileEverywhere(session, given)
    : explainFile(session, await session.connect(), given)
}
