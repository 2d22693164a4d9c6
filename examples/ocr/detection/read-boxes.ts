import type { Tensor } from '@muster/graph'
import { findComponents, type Component } from './find-components.ts'
import { fitDirection, medianDirection, type Direction } from './fit-direction.ts'
import type { TextBox } from './text-box.ts'

/** Post-processing of DB (arXiv 1911.08947, 3.5) with PP-OCR's published constants. */
const pixelThreshold = 77
const boxThreshold = 0.6
const unclipRatio = 1.5
const thinnest = 3
const fewestPixels = 12
/** A page has no more pieces of text than this; a map with more is noise, and the largest regions are kept. */
const mostBoxes = 1_000

/**
 * Turns the detector's map (uint8 [1, 1, height, width], probability × 255) into boxes in pixels of the page.
 * The detector marks the core of each line; a box is grown back by area × ratio / perimeter.
 */
export const readBoxes = (map: Tensor, scale: number): readonly TextBox[] => {
  const width = map.dims[3]
  if (map.dtype !== 'uint8' || width === undefined)
    throw new TypeError('a detection map is uint8 [1, 1, height, width]')
  const components = findComponents(map.data, width, pixelThreshold, fewestPixels)
    .toSorted((a, b) => b.length - a.length)
    .slice(0, mostBoxes)
  const directions = components.map((component) => fitDirection(component, width))
  const ofPage = medianDirection(directions.filter((direction) => direction !== undefined))
  return components
    .map((component, index) => fitBox(component, map.data, width, directions[index] ?? ofPage))
    .filter((box) => box.height >= thinnest && box.score >= boxThreshold)
    .map((box) => enlarge(box, scale))
}

/** The tightest rectangle in `direction` around a region's pixels. */
const fitBox = (component: Component, map: Uint8Array, width: number, direction: Direction): TextBox => {
  let [left, right, top, bottom, probability] = [Infinity, -Infinity, Infinity, -Infinity, 0]
  for (const pixel of component) {
    const x = (pixel % width) + 0.5
    const y = Math.floor(pixel / width) + 0.5
    const along = x * direction.x + y * direction.y
    const across = y * direction.x - x * direction.y
    left = Math.min(left, along)
    right = Math.max(right, along)
    top = Math.min(top, across)
    bottom = Math.max(bottom, across)
    probability += map[pixel] ?? 0
  }
  const along = (left + right) / 2
  const across = (top + bottom) / 2
  return {
    centreX: along * direction.x - across * direction.y,
    centreY: along * direction.y + across * direction.x,
    alongX: direction.x,
    alongY: direction.y,
    length: right - left + 1,
    height: bottom - top + 1,
    score: probability / (component.length * 255),
  }
}

const enlarge = (box: TextBox, scale: number): TextBox => {
  const margin = (unclipRatio * box.length * box.height) / (2 * (box.length + box.height))
  return {
    ...box,
    centreX: box.centreX * scale,
    centreY: box.centreY * scale,
    length: (box.length + 2 * margin) * scale,
    height: (box.height + 2 * margin) * scale,
  }
}
