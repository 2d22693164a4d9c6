import { priceAxis, shownUsd, type PriceHistory } from '@muster/sdk'
import type { Style } from '../terminal/style.ts'
import { padEnd, padStart } from '../terminal/text-width.ts'

type Point = PriceHistory['points'][number]

export interface ChartOptions {
  readonly style: Style
  /** Cells a line may take. */
  readonly width: number
  /** Lines of the plot itself. */
  readonly height?: number
}

const axisSteps = 5

const dayText = (at: number): string => new Date(at).toISOString().slice(5, 10)
const hourText = (at: number): string => new Date(at).toISOString().slice(11, 16)

/** The dates below the plot, as many as fit, each where its span is. */
const dates = (points: readonly Point[], step: PriceHistory['step'], spread: number): string => {
  let line = ''
  for (const [index, { at }] of points.entries()) {
    const column = index * spread
    if (line !== '' && column < line.length + 2) continue
    const text = step === 'day' || new Date(at).getUTCHours() === 0 ? dayText(at) : hourText(at)
    if (column + text.length > points.length * spread + 4) continue
    line = padEnd(line, column) + text
  }
  return line
}

/**
 * The prices of a history as text: a dot for each price in the shade of its interval, a dash for the lowest ask, nothing where too few
 * traded. Where there are more spans than columns the newest are drawn. Empty where there is nothing to draw.
 */
export const renderChart = (
  { points: all, step, kind, per }: Pick<PriceHistory, 'points' | 'step' | 'kind' | 'per'>,
  { style, width, height = 12 }: ChartOptions,
): string => {
  const usd = (price: number): number => shownUsd(price, { kind, per })
  const valuesOf = ({ figure, asked }: Point): number[] => [
    ...(figure === null ? [] : [figure.low, figure.price, figure.high].map(usd)),
    ...(asked === null ? [] : [usd(asked)]),
  ]
  if (all.flatMap(valuesOf).length === 0) return ''
  const guess = priceAxis(all.flatMap(valuesOf), axisSteps)
  const labelWidth = Math.max(...guess.ticks.map((tick) => tick.toFixed(guess.decimals).length)) + 1
  const room = Math.max(10, Math.min(width, 160) - labelWidth - 3)
  const points = all.slice(-room)
  const spread = Math.max(1, Math.min(4, Math.floor(room / points.length)))
  const values = points.flatMap(valuesOf)
  const axis = values.length === 0 ? guess : priceAxis(values, axisSteps)
  const rowOf = (dollars: number): number => Math.round(((dollars - axis.from) / (axis.to - axis.from)) * (height - 1))
  const labels = new Map(axis.ticks.map((tick) => [rowOf(tick), `$${tick.toFixed(axis.decimals)}`]))

  const cell = ({ figure, asked }: Point, row: number): string => {
    if (figure !== null && rowOf(usd(figure.price)) === row) return style.cyan('●')
    const isAsked = asked !== null && rowOf(usd(asked)) === row
    if (isAsked) return style.yellow('╌')
    const isWithin = figure !== null && rowOf(usd(figure.low)) <= row && row <= rowOf(usd(figure.high))
    return isWithin ? style.dim('░') : ' '
  }
  const lines = Array.from({ length: height }, (_, index) => {
    const row = height - 1 - index
    const label = style.dim(padStart(labels.get(row) ?? '', labelWidth))
    const cells = points.map((point) => padEnd(cell(point, row), spread)).join('')
    return `${label} ${style.dim(labels.has(row) ? '┤' : '│')}${cells}`.trimEnd()
  })
  const line = `${padEnd('', labelWidth)} ${style.dim(`└${'─'.repeat(points.length * spread)}`)}`
  return `${[...lines, line].join('\n')}\n${padEnd('', labelWidth + 2)}${style.dim(dates(points, step, spread))}\n`
}
