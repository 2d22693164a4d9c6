import type { Tensor } from '@muster/graph'
import { cutLine } from './detection/cut-line.ts'
import { orderBoxes } from './detection/order-boxes.ts'
import { preparePage } from './detection/prepare-page.ts'
import { readBoxes } from './detection/read-boxes.ts'
import type { TextBox } from './detection/text-box.ts'
import type { GrayImage } from './image/gray-image.ts'
import { decodeLine, type LineText } from './recognition/decode-line.ts'
import type { Dictionary } from './recognition/dictionary.ts'
import { prepareLine } from './recognition/prepare-line.ts'
import { assembleRows } from './text/assemble-rows.ts'

/** Who runs the two programs: a network, or this machine. Answers come in the order of the questions. */
export type OcrModels = {
  /** Pages, uint8 [1, 1, height, width] → maps of the same shape, probability of text × 255. */
  detect(pages: readonly Tensor[]): Promise<readonly Tensor[]>
  /** Lines, uint8 [1, 1, 48, width] → float32 [1, width / 8, 3], what was seen at each step (`buildRecogniser`). */
  recognise(lines: readonly Tensor[]): Promise<readonly Tensor[]>
}

export type PageText = {
  readonly lines: readonly string[]
  /** How many pieces of text were recognised for it; the questions of all pages follow each other in the pages' order. */
  readonly pieces: number
}

type Piece = { readonly page: number; readonly row: number; readonly tensor: Tensor }
type ReadPiece = { readonly row: number; readonly text: LineText }

/** Reads pages in two waves: where is text (a question a page), then what does it say (a question a piece of text). */
export const readPages = async (
  pages: readonly GrayImage[],
  models: OcrModels,
  dictionary: Dictionary,
): Promise<readonly PageText[]> => {
  const prepared = pages.map((page) => ({ page, ...preparePage(page) }))
  const maps = await models.detect(prepared.map(({ tensor }) => tensor))
  const pieces = prepared.flatMap(({ page, scale }, index) => {
    const map = maps[index]
    if (map === undefined) throw new RangeError(`no detection map for page ${index}`)
    return cutPieces(page, index, orderBoxes(readBoxes(map, scale)))
  })
  const answers = await models.recognise(pieces.map(({ tensor }) => tensor))
  const read = pieces.map(({ page, row }, index) => {
    const steps = answers[index]
    if (steps === undefined) throw new RangeError(`no answer for piece ${index}`)
    return { page, row, text: decodeLine(steps, dictionary) }
  })
  const byPage = Map.groupBy(read, ({ page }) => page)
  return pages.map((_, page) => joinPieces(byPage.get(page) ?? []))
}

const cutPieces = (page: GrayImage, index: number, rows: readonly (readonly TextBox[])[]): readonly Piece[] =>
  rows.flatMap((boxes, row) => boxes.map((box) => ({ page: index, row, tensor: prepareLine(cutLine(page, box)) })))

const joinPieces = (pieces: readonly ReadPiece[]): PageText => {
  const rows = [...Map.groupBy(pieces, ({ row }) => row).values()]
  return { lines: assembleRows(rows.map((row) => row.map(({ text }) => text))), pieces: pieces.length }
}
