import type { Style } from './style.ts'
import { padEnd, padStart, textWidth, truncate } from './text-width.ts'
import { wrapText } from './wrap-text.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut to make the table fit its width. */
  readonly isFlexible?: boolean
  /** Goes on in further lines rather than being cut. */
  readonly wraps?: boolean
  /** Painted on every line of every cell. */
  readonly paint?: (text: string) => string
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
  const line = (cells: readonly string[]): string => {
    const padded = columns.map(({ align }, index) => {
      const pad = align === 'right' ? padStart : padEnd
      return pad(cells[index] ?? '', widths[index] ?? 0)
    })
    return `${indent}${padded.join(gap).trimEnd()}\n`
  }
  const rowLines = (row: readonly string[]): string => {
    const cells = columns.map(({ wraps, paint = plain }, index) => {
      const [cell = '', cellWidth = 0] = [row[index], widths[index]]
      return (wraps === true ? wrapText(cell, cellWidth) : [truncate(cell, cellWidth)]).map(paint)
    })
    const height = Math.max(1, ...cells.map(({ length }) => length))
    return Array.from({ length: height }, (_, at) => line(cells.map((parts) => parts[at] ?? ''))).join('')
  }
  const head = line(columns.map(({ title }, index) => style.dim(truncate(title.toUpperCase(), widths[index] ?? 0))))
  return head + rows.map(rowLines).join('')
}

const plain = (text: string): string => text
