import { textWidth, withoutStyle } from './text-width.ts'

/** A word too long for a line in pieces that are not. */
const breakWord = (word: string, width: number): string[] => {
  const pieces: string[] = []
  let piece = ''
  for (const character of word) {
    if (textWidth(piece + character) > width && piece !== '') {
      pieces.push(piece)
      piece = ''
    }
    piece += character
  }
  return [...pieces, piece]
}

/** The text in lines of at most `width` cells, broken between words where they fit. Colours are dropped where it is broken. */
export const wrapText = (text: string, width: number): string[] => {
  if (textWidth(text) <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of withoutStyle(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (textWidth(longer) <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    const pieces = breakWord(word, Math.max(1, width))
    line = pieces.pop() ?? ''
    lines.push(...pieces)
  }
  return [...lines, line]
}
