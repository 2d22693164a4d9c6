import type { Address, ProviderRecordView } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatDuration } from '../format/format-duration.ts'
import { shorten } from '../format/format-record.ts'
import { formatAge } from '../format/format-time.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { renderTable } from '../terminal/render-table.ts'
import { wrapText } from '../terminal/wrap-text.ts'
import { figureLabels, formatFigure, formatPrior, formatSeen } from './format-figure.ts'
import { machineFacts, showBenchmarks } from './show-machine.ts'

const figureColumns = [
  { title: 'it' },
  { title: 'estimate', align: 'right' },
  { title: 'between', align: 'right' },
  { title: 'unknown machine', isFlexible: true, wraps: true },
  { title: 'seen of it', isFlexible: true, wraps: true },
  { title: 'half-life', align: 'right' },
  { title: 'priced' },
] as const

const observationColumns = [
  { title: 'when', align: 'right' },
  { title: 'program', isFlexible: true },
  { title: 'held', align: 'right' },
  { title: 'succeeded', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: 'attempt', align: 'right' },
  { title: 'of median', align: 'right' },
  { title: 'note' },
] as const

const noteOf = ({ outages, refused, breaches = 0 }: ProviderRecordView['newest'][number]): string =>
  breaches > 0 ? 'broke its term' : outages > 0 ? 'disappeared' : refused > 0 ? `refused ${refused}` : ''

const howComputed = ({ credibility, mostObservations }: ProviderRecordView): string =>
  `Each figure is what is taken of an unknown machine plus what was seen of this one, each observation weighing half after ` +
  `each half-life; the newest ${mostObservations} observations count. Shares are beta-binomial: (prior + seen) ÷ all. The hazard is ` +
  `gamma-poisson: outages ÷ hours of lease. Times are log-normal multiples of the median that other providers took for the same program. The true value lies between the two ` +
  `bounds with ${Math.round(credibility * 100)} % probability. Priced figures decide \`award: effective\`. The formulas: docs/spec/records-of-providers.md; of challenges: docs/spec/benchmark.md.`

const maintenanceFacts = ({ maintenance }: ProviderRecordView, now: number): [string, string][] =>
  maintenance.map(({ from, until }) => [
    'maintenance',
    `${from <= now ? 'now' : formatAge(from, now)}, for ${formatDuration(until - Math.max(now, from))} (from ${new Date(from).toISOString().slice(0, 16)}Z)`,
  ])

const render = (view: ProviderRecordView, { style, terminal, now }: Session): string => {
  const width = terminal.stdout.columns
  const facts = renderFacts(
    [
      ['provider', view.provider],
      ['linked', view.linked ? 'yes' : `no, last seen ${formatAge(view.lastSeenAt, now())}`],
      ['known', `first seen ${formatAge(view.firstSeenAt, now())}`],
      [
        'observed',
        view.observations === 0
          ? 'nothing yet: these are the figures of an unknown machine'
          : `${view.observations} ${view.observations === 1 ? 'time' : 'times'}`,
      ],
      ...maintenanceFacts(view, now()),
      ...machineFacts(view),
    ],
    { style },
  )
  const figures = view.figures.map(({ name, mean, low, high, prior, seen, halfLifeMs, isPriced }) => [
    figureLabels[name],
    formatFigure(name, mean),
    `${formatFigure(name, low)} … ${formatFigure(name, high)}`,
    formatPrior(name, prior),
    formatSeen(name, seen),
    `${Math.round(halfLifeMs / 86_400_000)}d`,
    isPriced ? 'yes' : 'no',
  ])
  const newest = view.newest.map((seen) => [
    formatAge(seen.at, now()),
    seen.program === '' ? '–' : shorten(seen.program),
    formatDuration(seen.exposureMs),
    String(seen.succeeded),
    String(seen.failed),
    seen.durationMs === null ? '–' : formatDuration(seen.durationMs),
    seen.durationFactor === null ? '–' : formatFigure('duration', seen.durationFactor),
    noteOf(seen),
  ])
  const how = wrapText(howComputed(view), Math.min(width, 100))
    .map((line) => `${style.dim(line)}\n`)
    .join('')
  const recent = newest.length === 0 ? '' : `\n${renderTable(observationColumns, newest, { style, width })}`
  return `${facts}\n${renderTable(figureColumns, figures, { style, width })}${recent}${showBenchmarks(view, { style, width, now: now() })}\n${how}`
}

/** `muster provider show`: the public record of a provider and how it was computed. */
export const showProvider = async (session: Session, provider: Address): Promise<number> => {
  const muster = await session.connect()
  const view = await muster.providerRecord(provider, { signal: session.signal })
  session.print(view, () => render(view, session))
  return exitCodes.ok
}
