import type { Style } from './style.ts'
import { padEnd, padStart, textWidth, truncate } from './text-width.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut to make the table fit its width. */
  readonly isFlexible?: boolean
}

export interface TableOptions {
  readonly style: Style
  /** Cells a line may take. */
  readonly width?: number
  readonly indent?: string
}

const gap = '  '
const leastFlexible = 8

const fit = (columns: readonly Column[], widths: readonly number[], available: number): number[] => {
  let over = widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1) - available
  const fitted = [...widths]
  const flexible = columns.flatMap(({ isFlexible }, index) => (isFlexible === true ? [index] : []))
  while (over > 0) {
    const widest = flexible.reduce<number | undefined>(
      (best, index) => (best === undefined || (fitted[index] ?? 0) > (fitted[best] ?? 0) ? index : best),
      undefined,
    )
    if (widest === undefined || (fitted[widest] ?? 0) <= leastFlexible) break
    fitted[widest] = (fitted[widest] ?? 0) - 1
    over--
  }
  return fitted
}

/** Aligned columns under dim titles, one line a row, ended by a newline. Without rows there is nothing. */
export const renderTable = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { style, width = Number.POSITIVE_INFINITY, indent = '' }: TableOptions,
): string => {
  if (rows.length === 0) return ''
  const natural = columns.map(({ title }, index) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[index] ?? ''))),
  )
  const widths = fit(columns, natural, width - indent.length)
  const line = (cells: readonly string[], paint: (text: string) => string): string => {
    const padded = columns.map(({ align }, index) => {
      const cell = paint(truncate(cells[index] ?? '', widths[index] ?? 0))
      return align === 'right' ? padStart(cell, widths[index] ?? 0) : padEnd(cell, widths[index] ?? 0)
    })
    return `${indent}${padded.join(gap).trimEnd()}\n`
  }
  const head = line(
    columns.map(({ title }) => title.toUpperCase()),
    style.dim,
  )
  return head + rows.map((row) => line(row, (text) => text)).join('')
}
