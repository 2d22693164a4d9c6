import type { Tensor } from '@muster/graph'
import { describe, expect, test } from 'vitest'
import { cutLine } from './cut-line.ts'
import { orderBoxes } from './order-boxes.ts'
import { readBoxes } from './read-boxes.ts'

const width = 320
const height = 160

type Bar = { x: number; y: number; length: number; thickness: number; slope: number; value?: number }

/** A map with straight bars, as a detector marks lines of text. */
const mapOf = (...bars: Bar[]): Tensor => {
  const data = new Uint8Array(width * height)
  for (const { x: left, y: top, length, thickness, slope, value = 240 } of bars) {
    for (let x = left; x < left + length; x++) {
      const start = Math.round(top + (x - left) * slope)
      for (let y = start; y < start + thickness; y++) data[y * width + x] = value
    }
  }
  return { dtype: 'uint8', dims: [1, 1, height, width], data }
}

const level = { x: 20, y: 20, length: 200, thickness: 8, slope: 0 }

describe('readBoxes', () => {
  test('grows a level bar back by area × 1.5 / perimeter', () => {
    const margin = (1.5 * 200 * 8) / (2 * 208)
    const [box] = readBoxes(mapOf(level), 1)
    expect(box).toEqual({
      centreX: 120,
      centreY: 24,
      alongX: 1,
      alongY: 0,
      length: 200 + 2 * margin,
      height: 8 + 2 * margin,
      score: 240 / 255,
    })
  })

  test('finds the slope of a slanted bar', () => {
    const [box] = readBoxes(mapOf({ ...level, slope: 0.04 }), 1)
    expect(box === undefined ? 0 : box.alongY / box.alongX).toBeCloseTo(0.04, 3)
  })

  test('gives a stubby region the slope of the page', () => {
    const boxes = readBoxes(mapOf({ ...level, slope: 0.04 }, { x: 250, y: 100, length: 9, thickness: 12, slope: 0 }), 1)
    expect(boxes[1]?.alongY).toBe(boxes[0]?.alongY)
  })

  test('answers in pixels of the page', () => {
    const [box] = readBoxes(mapOf(level), 2.5)
    expect([box?.centreX, box?.centreY]).toEqual([300, 60])
  })

  test('leaves out what is faint, thin or tiny', () => {
    const faint = { ...level, value: 100 }
    const thin = { ...level, y: 60, thickness: 2 }
    const tiny = { x: 10, y: 100, length: 3, thickness: 3, slope: 0 }
    expect(readBoxes(mapOf(faint, thin, tiny), 1)).toEqual([])
  })

  test('refuses a map of another type', () => {
    expect(() => readBoxes({ dtype: 'float32', dims: [1, 1, 1, 1], data: new Float32Array(1) }, 1)).toThrow(TypeError)
  })
})

test('rows are read from top to bottom and left to right along the slant', () => {
  const slope = 0.06
  const piece = { length: 80, thickness: 8, slope }
  const left = { ...piece, x: 10, y: 20 }
  const right = { ...piece, x: 210, y: 20 + 200 * slope }
  const below = { ...piece, x: 10, y: 38 }
  const rows = orderBoxes(readBoxes(mapOf(below, right, left), 1))
  expect(rows.map((row) => row.map(({ centreX }) => Math.round(centreX)))).toEqual([[50, 250], [50]])
})

test('a slanted line is cut out level', () => {
  const slope = 0.05
  const bar = mapOf({ x: 20, y: 40, length: 240, thickness: 10, slope })
  const [box] = readBoxes(bar, 1)
  if (box === undefined || bar.dtype !== 'uint8') throw new Error('no box was found')
  const line = cutLine({ width, height, pixels: bar.data }, box)
  const middle = line.height >> 1
  const row = line.pixels.subarray(middle * line.width, (middle + 1) * line.width)
  const inked = row.filter((pixel) => pixel > 120).length
  expect(inked).toBeGreaterThan(230)
  expect(line.pixels.subarray(0, line.width).every((pixel) => pixel === 0)).toBe(true)
})
