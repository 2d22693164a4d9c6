import type { GrayImage } from '../image/gray-image.ts'
import { composePage } from './compose-page.ts'
import { chooseWear, drawPage } from './draw-page.ts'
import { fontNames, readFont, type FontName } from './fonts.ts'
import { createRandom } from './random.ts'

export type MadePage = {
  readonly file: string
  readonly font: FontName
  readonly lines: readonly string[]
  readonly image: GrayImage
}

const pagesPerSeed = 1_000

/** The page of a number (0, 1, …) in the series of a seed: the same everywhere, whichever pages are made with it. */
export const makePage = (seed: number, number: number): MadePage => {
  const random = createRandom(seed * pagesPerSeed + number)
  const name = fontNames[number % fontNames.length] ?? fontNames[0]
  const font = readFont(name)
  const layout = composePage(random, font)
  return {
    file: `page-${String(number + 1).padStart(2, '0')}.png`,
    font: name,
    lines: layout.lines.map((cells) => cells.map(({ text }) => text).join(' ')),
    image: drawPage(layout, font, chooseWear(random), random),
  }
}
