import { priceAxis, priceUnitName, shownUsd, type PriceHistory } from '@muster/protocol'
import { escapeHtml } from './escape-html.ts'

type Point = PriceHistory['points'][number]
type Figure = NonNullable<Point['figure']>

const width = 880
const height = 360
const margin = { top: 30, right: 16, bottom: 34, left: 72 }
const spanMs = { hour: 3_600_000, day: 86_400_000 } as const

/** Points next to each other that have what is wanted: a gap ends a run. */
const runs = <Kept>(points: readonly Point[], of: (point: Point) => Kept | null): { at: number; of: Kept }[][] => {
  const found: { at: number; of: Kept }[][] = []
  let isOpen = false
  for (const point of points) {
    const kept = of(point)
    if (kept !== null) {
      if (!isOpen) found.push([])
      found.at(-1)?.push({ at: point.at, of: kept })
    }
    isOpen = kept !== null
  }
  return found
}

const number = (value: number): string => value.toFixed(1)

const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10)
const timeText = (at: number): string => new Date(at).toISOString().slice(11, 16)

/**
 * The prices of a history as SVG: a line through the prices in the band of their intervals, a dashed line of the lowest asks, and gaps where there is none. Undefined
 * where there is nothing to draw. Colours are those of the page.
 */
export const priceChart = ({ kind, per, step, points }: PriceHistory, title: string): string | undefined => {
  const usd = (price: number): number => shownUsd(price, { kind, per })
  const values = points.flatMap(({ figure, asked }) => [
    ...(figure === null ? [] : [usd(figure.low), usd(figure.high)]),
    ...(asked === null ? [] : [usd(asked)]),
  ])
  const [first] = points
  const last = points.at(-1)
  if (values.length === 0 || first === undefined || last === undefined) return undefined
  const axis = priceAxis(values, 5)
  const [from, to] = [first.at, last.at + spanMs[step]]
  const x = (at: number): number =>
    margin.left + ((at + spanMs[step] / 2 - from) / (to - from)) * (width - margin.left - margin.right)
  const y = (dollars: number): number =>
    height - margin.bottom - ((dollars - axis.from) / (axis.to - axis.from)) * (height - margin.top - margin.bottom)
  const place = (at: number, price: number): string => `${number(x(at))},${number(y(usd(price)))}`

  const grid = axis.ticks.map((tick) => {
    const at = number(y(tick))
    const label = `$${tick.toFixed(axis.decimals)}`
    return `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/><text class="label" x="${margin.left - 8}" y="${at}" text-anchor="end" dominant-baseline="middle">${label}</text>`
  })
  const every = Math.max(1, Math.ceil(points.length / 7))
  const dates = points.flatMap(({ at }, index) => {
    if (index % every !== 0) return []
    const isDay = step === 'day' || timeText(at) === '00:00'
    const text = isDay ? dayText(at).slice(5) : `${index === 0 ? `${dayText(at).slice(5)} ` : ''}${timeText(at)}`
    return [
      `<text class="label" x="${number(x(at))}" y="${height - margin.bottom + 18}" text-anchor="middle">${text}</text>`,
    ]
  })
  const figures = runs<Figure>(points, ({ figure }) => figure)
  const half = (x(from + spanMs[step]) - x(from)) * 0.3
  const bands = figures.map((run) => {
    const [only] = run
    if (run.length === 1 && only !== undefined) {
      const [top, bottom] = [y(usd(only.of.high)), y(usd(only.of.low))]
      return `<rect class="band" x="${number(x(only.at) - half)}" y="${number(top)}" width="${number(2 * half)}" height="${number(bottom - top)}"/>`
    }
    const upper = run.map(({ at, of }) => place(at, of.high))
    const lower = run.toReversed().map(({ at, of }) => place(at, of.low))
    return `<polygon class="band" points="${[...upper, ...lower].join(' ')}"/>`
  })
  const lines = figures
    .filter(({ length }) => length > 1)
    .map((run) => `<polyline class="price" points="${run.map(({ at, of }) => place(at, of.price)).join(' ')}"/>`)
  const dots = figures.flat().map(({ at, of }) => {
    const when = step === 'day' ? dayText(at) : `${dayText(at)} ${timeText(at)}`
    const [low, price, high] = [of.low, of.price, of.high].map((each) => `$${Number(usd(each).toPrecision(3))}`)
    const said = `${when} UTC: ${price}, between ${low} and ${high}; ${of.providers} providers, ${of.tenants} tenants`
    return `<circle class="dot" cx="${number(x(at))}" cy="${number(y(usd(of.price)))}" r="3"><title>${escapeHtml(said)}</title></circle>`
  })
  const asks = runs(points, ({ asked }) => asked).map((run) => {
    const path = run.flatMap(({ at, of }) => [
      `${number(x(at) - half / 0.6)},${number(y(usd(of)))}`,
      `${number(x(at) + half / 0.6)},${number(y(usd(of)))}`,
    ])
    return `<polyline class="asked" points="${path.join(' ')}"/>`
  })
  const unit = `<text class="label" x="${margin.left - 8}" y="12" text-anchor="start">$ / ${priceUnitName({ kind, per })}</text>`
  const shapes = [unit, ...grid, ...dates, ...bands, ...asks, ...lines, ...dots].join('\n')
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">\n<title>${escapeHtml(title)}</title>\n${shapes}\n</svg>`
}
