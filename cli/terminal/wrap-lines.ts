import { textWidth, withoutStyle } from './text-width.ts'

/** Cells before the text of a line: its indent or mark, or the labels and columns that stand two spaces and more apart in its first half. */
const hangOf = (bare: string, width: number): number => {
  const mark = /^[✓✗!?] (?=\S)/u.exec(bare)?.[0].length ?? 0
  const gaps = [...bare.matchAll(/ {2,}(?=\S)/g)].map(
    ({ index, 0: gap }) => textWidth(bare.slice(0, index)) + gap.length,
  )
  return gaps.filter((end) => end <= width / 2).at(-1) ?? mark
}

const wrapLine = (text: string, width: number): string => {
  if (textWidth(text) <= width) return text
  const indent = ' '.repeat(hangOf(withoutStyle(text), width))
  const lines: string[] = []
  const words = text.split(' ')
  let line = words[0] ?? ''
  for (const word of words.slice(1)) {
    const longer = `${line} ${word}`
    if (textWidth(longer) <= width || textWidth(line) <= indent.length) line = longer
    else {
      lines.push(line)
      line = indent + word
    }
  }
  return [...lines, line].join('\n')
}

/**
 * Lines wider than `width` cells broken between words, what follows under the text of its line. Colours go on over a break. A word
 * that is too long stays whole, so that it can be copied.
 */
export const wrapLines = (text: string, width: number): string =>
  Number.isFinite(width)
    ? text
        .split('\n')
        .map((line) => wrapLine(line, width))
        .join('\n')
    : text
