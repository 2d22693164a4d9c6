import type { LineText } from '../recognition/decode-line.ts'

/** What scores below this is most likely not text (PP-OCR's `drop_score`). */
const leastScore = 0.5

/** Text lines of a page from its rows of pieces; pieces of a row are joined by a space. */
export const assembleRows = (rows: readonly (readonly LineText[])[]): readonly string[] =>
  rows
    .map((pieces) =>
      pieces
        .filter(({ score }) => score >= leastScore)
        .map(({ text }) => text.trim())
        .filter((text) => text !== '')
        .join(' '),
    )
    .filter((line) => line !== '')
