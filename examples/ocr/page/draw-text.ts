import type { Font, PathCommand } from 'opentype.js'

export type Point = { readonly x: number; readonly y: number }
/** Closed polygons; a hole runs against its outline. */
export type Outline = readonly (readonly Point[])[]

/** Width of `text` in pixels at `size` pixels an em. */
export const measureText = (font: Font, text: string, size: number): number =>
  Array.from(text).reduce((sum, character) => sum + (font.charToGlyph(character).advanceWidth ?? 0), 0) *
  (size / font.unitsPerEm)

/** The outline of `text` with its baseline starting at `origin`. Throws for a character that the font lacks. */
export const drawText = (font: Font, text: string, origin: Point, size: number): Outline => {
  let x = origin.x
  return Array.from(text).flatMap((character) => {
    const glyph = font.charToGlyph(character)
    if (glyph.index === 0) throw new RangeError(`the font has no “${character}”`)
    const outline = flatten(glyph.getPath(x, origin.y, size).commands)
    x += ((glyph.advanceWidth ?? 0) * size) / font.unitsPerEm
    return outline
  })
}

const curveSteps = 8

const flatten = (commands: readonly PathCommand[]): Outline => {
  const contours: Point[][] = []
  let contour: Point[] = []
  for (const command of commands) {
    if (command.type === 'M') contours.push((contour = [command]))
    else if (command.type === 'L') contour.push(command)
    else if (command.type !== 'Z') contour.push(...flattenCurve(contour.at(-1) ?? command, command))
  }
  return contours
}

const flattenCurve = (start: Point, curve: Extract<PathCommand, { x1: number }>): Point[] => {
  const first = { x: curve.x1, y: curve.y1 }
  const controls = curve.type === 'Q' ? [start, first, curve] : [start, first, { x: curve.x2, y: curve.y2 }, curve]
  return Array.from({ length: curveSteps }, (_, step) => casteljau(controls, (step + 1) / curveSteps))
}

const casteljau = (points: readonly Point[], t: number): Point => {
  let level = points
  while (level.length > 1) {
    level = level.slice(1).map((to, index) => {
      const from = level[index] ?? to
      return { x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t }
    })
  }
  return { x: level[0]?.x ?? 0, y: level[0]?.y ?? 0 }
}
