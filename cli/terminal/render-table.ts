import type { Style } from './style.ts'
import { padEnd, padStart, textWidth, truncate } from './text-width.ts'
import { wrapText } from './wrap-text.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut to make the table fit its width. */
  readonly isFlexible?: boolean
  /** What a flexible column needs, such as the length of an id. */
  readonly least?: number
  /** Goes on in further lines rather than being cut. */
  readonly wraps?: boolean
  /** Left out where the table would be too wide, the highest first. */
  readonly spare?: number
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

/** A flexible column counts as this wide at most when it is decided what is left out. */
const roomyFlexible = 20

/** The columns there is room for, by their places. */
const choose = (columns: readonly Column[], widths: readonly number[], available: number): number[] => {
  const roomy = (at: number): number => {
    const width = widths[at] ?? 0
    const { isFlexible, least = roomyFlexible } = columns[at] ?? {}
    return isFlexible === true ? Math.min(width, least) : width
  }
  let kept = columns.map((_, at) => at)
  for (;;) {
    const total = kept.reduce((sum, at) => sum + roomy(at) + gap.length, -gap.length)
    const [last] = kept
      .filter((at) => columns[at]?.spare !== undefined)
      .toSorted((a, b) => (columns[b]?.spare ?? 0) - (columns[a]?.spare ?? 0))
    if (total <= available || last === undefined) return kept
    kept = kept.filter((at) => at !== last)
  }
}

const fit = (columns: readonly Column[], widths: readonly number[], available: number): number[] => {
  let over = widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1) - available
  const fitted = [...widths]
  const leastOf = (index: number): number => columns[index]?.least ?? leastFlexible
  while (over > 0) {
    const widest = columns.reduce<number | undefined>((best, { isFlexible }, index) => {
      if (isFlexible !== true || (fitted[index] ?? 0) <= leastOf(index)) return best
      return best === undefined || (fitted[index] ?? 0) > (fitted[best] ?? 0) ? index : best
    }, undefined)
    if (widest === undefined) break
    fitted[widest] = (fitted[widest] ?? 0) - 1
    over--
  }
  return fitted
}

const renderColumns = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  { style, indent = '' }: TableOptions,
): string => {
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

/**
 * Aligned columns under dim titles, one line a row, ended by a newline; under it which columns there was no room for. Without rows
 * there is nothing.
 */
export const renderTable = (
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions,
): string => {
  if (rows.length === 0) return ''
  const { style, width = Number.POSITIVE_INFINITY, indent = '' } = options
  const natural = columns.map(({ title }, at) =>
    Math.max(textWidth(title), ...rows.map((row) => textWidth(row[at] ?? ''))),
  )
  const kept = choose(columns, natural, width - indent.length)
  const pick = <Item>(items: readonly Item[]): Item[] => kept.flatMap((at) => items.slice(at, at + 1))
  const widths = fit(pick(columns), pick(natural), width - indent.length)
  const table = renderColumns(pick(columns), rows.map(pick), widths, options)
  const left = columns.filter((_, at) => !kept.includes(at)).map(({ title }) => title)
  if (left.length === 0) return table
  return table + style.dim(`${indent}No room for: ${left.join(', ')}. All in a wider window or with --json.\n`)
}

const plain = (text: string): string => text
