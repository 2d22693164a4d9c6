import type { AwardFigures, CostFigures, DayFigures } from './summarise-day.ts'

const hourMs = 3_600_000
const width = 760
const left = 76
const right = 24
const innerWidth = width - left - right

interface Panel {
  readonly title: string
  readonly top: number
  readonly height: number
  readonly valueOf: (figures: CostFigures) => number
  readonly format: (value: number) => string
}

const panels: readonly Panel[] = [
  {
    title: 'Dollars for an hour of finished work, lost runs included',
    top: 92,
    height: 190,
    valueOf: ({ effectiveUsdPerWorkHour }) => effectiveUsdPerWorkHour,
    format: (value) => `$${value.toFixed(4)}`,
  },
  {
    title: 'Runs for each finished task',
    top: 336,
    height: 130,
    valueOf: ({ attemptsPerTask }) => attemptsPerTask,
    format: (value) => value.toFixed(2),
  },
]

const awards = [
  { name: 'lowest', label: 'award: lowest' },
  { name: 'effective', label: 'award: effective' },
] as const

const bottom = 466
const height = 528

const style = `
  svg { --ground: #ffffff; --ink: #1f2328; --quiet: #59636e; --grid: #d1d9e0; --lowest: #b45309; --effective: #1d4ed8; --outage: #cf222e29; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --ink: #f0f6fc; --quiet: #9198a1; --grid: #30363d; --lowest: #f59e0b; --effective: #60a5fa; --outage: #ff7b7247; }
  }
  .ground { fill: var(--ground); }
  text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
  .title { font-size: 15px; font-weight: 600; fill: var(--ink); }
  .panel { font-size: 13px; fill: var(--ink); }
  .grid { stroke: var(--grid); stroke-width: 1; }
  .outage { fill: var(--outage); }
  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
  .lowest { stroke: var(--lowest); }
  .effective { stroke: var(--effective); stroke-dasharray: 7 3; }
`

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escape(content)}</text>`

/** A step for about four lines of a grid: 1, 2 or 5 times a power of ten. */
const stepOf = (span: number): number => {
  const power = 10 ** Math.floor(Math.log10(span / 4))
  return power * ([1, 2, 5].find((factor) => span / (power * factor) <= 5) ?? 10)
}

/** Hours in which so few tasks ended that chance decides are left out. */
const leastTasks = 100

const pointsOf = ({ hours }: AwardFigures, shown: number, valueOf: Panel['valueOf']): [hour: number, value: number][] =>
  hours.slice(0, shown).flatMap((figures, hour) => (figures.tasks < leastTasks ? [] : [[hour + 0.5, valueOf(figures)]]))

const drawPanel = ({ title, top, height: tall, valueOf, format }: Panel, day: DayFigures): string => {
  const shown = day.plannedHours
  const x = (hour: number) => left + (hour / shown) * innerWidth
  const lines = awards.map(({ name }) => ({ name, points: pointsOf(day[name], shown, valueOf) }))
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value))
  if (values.length === 0) return text(left, top - 12, `${title}: too few tasks`, 'class="panel"')
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const step = stepOf(Math.max(most - least, most / 50))
  const [low, high] = [Math.floor(least / step) * step, Math.ceil(most / step) * step + step * 0.001]
  const y = (value: number) => top + tall - ((value - low) / (high - low)) * tall
  const ticks = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, index) => low + index * step)
  return [
    text(left, top - 12, title, 'class="panel"'),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${left + innerWidth}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}"/>`,
      text(left - 8, y(tick) + 4, format(tick), 'text-anchor="end"'),
    ]),
    ...lines.map(
      ({ name, points }) =>
        `<polyline class="line ${name}" points="${points.map(([hour, value]) => `${x(hour).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"/>`,
    ),
  ].join('\n')
}

/** Outages of a region, as far as they are within the hours that are shown. */
const drawOutages = (day: DayFigures): string =>
  panels
    .flatMap(({ top, height: tall }) =>
      day.regionOutages
        .filter(({ fromMs }) => fromMs < day.plannedHours * hourMs)
        .map(({ fromMs, toMs }) => {
          const from = fromMs / hourMs / day.plannedHours
          const to = Math.min(1, toMs / hourMs / day.plannedHours)
          const wide = Math.max(1.5, (to - from) * innerWidth)
          return `<rect class="outage" x="${(left + from * innerWidth).toFixed(1)}" y="${top}" width="${wide.toFixed(1)}" height="${tall}"/>`
        }),
    )
    .join('\n')

const drawHours = ({ plannedHours }: DayFigures): string => {
  const every = Math.max(1, Math.round(plannedHours / 8))
  return Array.from({ length: Math.floor(plannedHours / every) + 1 }, (_, index) => index * every)
    .map((hour) => text(left + (hour / plannedHours) * innerWidth, bottom + 20, `${hour} h`, 'text-anchor="middle"'))
    .join('\n')
}

const drawLegend = (): string =>
  [
    ...awards.map(({ name, label }, index) => {
      const x = left + index * 150
      return `<line class="line ${name}" x1="${x}" x2="${x + 30}" y1="${height - 18}" y2="${height - 18}"/>${text(x + 36, height - 14, label)}`
    }),
    `<rect class="outage" x="${left + 310}" y="${height - 25}" width="16" height="14"/>${text(left + 332, height - 14, 'a region is down')}`,
  ].join('\n')

/** A day as a picture: what finished work cost under either rule of award, hour by hour, in light and dark. */
export const plotDay = (day: DayFigures): string => {
  const machines = day.agents.toLocaleString('en')
  const title = `A day of ${day.tasks.toLocaleString('en')} tasks on ${machines} machines that come and go`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">
<style>${style}</style>
<rect class="ground" width="${width}" height="${height}"/>
${text(left, 34, title, 'class="title"')}
${text(left, 54, `Half of the jobs each, by lot. Half of the sessions under ${day.sessionMedianMinutes.toFixed(1)} min, outages of ${day.outageMeanMinutes.toFixed(1)} min in the mean.`)}
${drawOutages(day)}
${panels.map((panel) => drawPanel(panel, day)).join('\n')}
${drawHours(day)}
${drawLegend()}
</svg>
`
}
