import type { Font } from 'opentype.js'
import { measureText } from './draw-text.ts'
import { sentence, table } from './phrase.ts'
import type { Random } from './random.ts'

export type Cell = { readonly text: string; readonly x: number; readonly baseline: number }
/** Where every piece of text goes, before the page is turned and dirtied. Lengths are pixels. */
export type Layout = {
  readonly width: number
  readonly height: number
  readonly size: number
  readonly lines: readonly (readonly Cell[])[]
}

const leastLines = 3
const mostLines = 12

/** A page of prose, or a heading over rows of columns. */
export const composePage = (random: Random, font: Font): Layout => {
  const size = random.integer(20, 34)
  const margin = random.integer(34, 60)
  const textWidth = Math.max(random.integer(430, 760), size * 22)
  const rows =
    random.next() < 0.5 ? composeProse(random, font, size, textWidth) : composeTable(random, font, size, textWidth)
  const leading = Math.round(size * (1.35 + 0.4 * random.next()))
  const lines = rows.map((row, index) =>
    row.map(({ text, x }) => ({ text, x: margin + x, baseline: margin + size + index * leading })),
  )
  return { width: textWidth + 2 * margin, height: 2 * margin + size + (lines.length - 1) * leading, size, lines }
}

type Row = readonly { readonly text: string; readonly x: number }[]

const composeProse = (random: Random, font: Font, size: number, width: number): readonly Row[] => {
  const wanted = random.integer(leastLines, mostLines)
  const lines: string[] = []
  let line = ''
  while (lines.length < wanted) {
    for (const word of sentence(random).split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`
      if (measureText(font, longer, size) <= width) {
        line = longer
        continue
      }
      lines.push(line)
      line = word
    }
  }
  return lines.slice(0, wanted).map((text) => [{ text, x: 0 }])
}

const composeTable = (random: Random, font: Font, size: number, width: number): readonly Row[] => {
  const { heading, row } = table(random)
  const rows: Row[] = [[{ text: heading, x: 0 }]]
  const wanted = random.integer(leastLines, mostLines)
  for (let attempt = 0; rows.length < wanted && attempt < 8 * wanted; attempt++) {
    const cells = row()
    const placed = cells.map((text, column) => {
      const right = width * ((column + 1) / cells.length)
      return { text, x: column === 0 ? 0 : right - measureText(font, text, size) }
    })
    if (fits(font, size, placed)) rows.push(placed)
  }
  return rows
}

const fits = (font: Font, size: number, row: Row): boolean =>
  row.every(({ text, x }, column) => x + measureText(font, text, size) + size <= (row[column + 1]?.x ?? Infinity))
