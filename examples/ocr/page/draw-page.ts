import type { Font } from 'opentype.js'
import { createGrayImage, type GrayImage } from '../image/gray-image.ts'
import type { Layout } from './compose-page.ts'
import { drawText, type Outline } from './draw-text.ts'
import { fillOutlines } from './fill-outline.ts'
import type { Random } from './random.ts'

/** What a scanner does to a sheet. */
export type Wear = {
  /** Tangent of the angle by which the sheet lies askew; positive turns it clockwise. */
  readonly skew: number
  /** Brightness of ink, and of paper at the left, right, top and bottom, 0 to 255. */
  readonly ink: number
  readonly paper: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number }
  /** Greatest deviation that grain adds to a pixel, and the share of pixels it touches. */
  readonly grain: number
  readonly grainShare: number
}

const steepest = 0.045
/** Brightness is told in steps of this, which halves the files. */
const levels = 4

export const chooseWear = (random: Random): Wear => {
  const shade = () => random.integer(-16, 16)
  const paper = random.integer(212, 240)
  return {
    skew: (2 * random.next() - 1) * steepest,
    ink: random.integer(20, 90),
    paper: { left: paper + shade(), right: paper + shade(), top: shade(), bottom: shade() },
    grain: random.integer(20, 60),
    grainShare: 0.02 + 0.07 * random.next(),
  }
}

/** Prints the layout on a sheet, turns it about its middle and adds shading and grain. */
export const drawPage = (layout: Layout, font: Font, wear: Wear, random: Random): GrayImage => {
  const { width, height, size, lines } = layout
  const turn = turnAbout(width / 2, height / 2, wear.skew)
  const outlines = lines.flat().map(({ text, x, baseline }) => turn(drawText(font, text, { x, y: baseline }, size)))
  const { ink } = fillOutlines(outlines, width, height)
  const image = createGrayImage(width, height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const { left, right, top, bottom } = wear.paper
      const paper = left + ((right - left) * x) / width + top + ((bottom - top) * y) / height
      const grain = random.next() < wear.grainShare ? (2 * random.next() - 1) * wear.grain : 0
      const covered = ink[y * width + x] ?? 0
      const brightness = paper + (wear.ink - paper) * covered + grain
      image.pixels[y * width + x] = Math.min(255, Math.max(0, levels * Math.round(brightness / levels)))
    }
  }
  return image
}

const turnAbout = (centreX: number, centreY: number, tangent: number) => {
  const cosine = 1 / Math.sqrt(1 + tangent * tangent)
  const sine = tangent * cosine
  return (outline: Outline): Outline =>
    outline.map((contour) =>
      contour.map(({ x, y }) => ({
        x: centreX + (x - centreX) * cosine - (y - centreY) * sine,
        y: centreY + (x - centreX) * sine + (y - centreY) * cosine,
      })),
    )
}
