import type { Outline, Point } from './draw-text.ts'

/** How much of each pixel is covered by ink, row-major, 0 to 1. */
export type Coverage = { readonly width: number; readonly height: number; readonly ink: Float64Array }

/**
 * Fills outlines with exact area coverage: every edge leaves, in each row it crosses, the signed area to its right,
 * and a running sum along the row turns edges into filled pixels (the accumulation buffer of font-rs).
 */
export const fillOutlines = (outlines: readonly Outline[], width: number, height: number): Coverage => {
  const edges = new Float64Array(width * height + 2)
  for (const outline of outlines) {
    for (const contour of outline) {
      contour.forEach((from, index) =>
        addEdge(edges, width, height, from, contour[(index + 1) % contour.length] ?? from),
      )
    }
  }
  const ink = new Float64Array(width * height)
  for (let y = 0; y < height; y++) {
    let sum = 0
    for (let x = 0; x < width; x++) {
      sum += edges[y * width + x] ?? 0
      ink[y * width + x] = Math.min(1, Math.abs(sum))
    }
  }
  return { width, height, ink }
}

const addEdge = (edges: Float64Array, width: number, height: number, from: Point, to: Point): void => {
  if (from.y === to.y) return
  const [direction, top, bottom] = from.y < to.y ? [1, from, to] : [-1, to, from]
  const run = (bottom.x - top.x) / (bottom.y - top.y)
  for (let y = Math.max(0, Math.floor(top.y)); y < Math.min(height, Math.ceil(bottom.y)); y++) {
    const upper = Math.max(top.y, y)
    const lower = Math.min(bottom.y, y + 1)
    const fall = direction * (lower - upper)
    const enter = top.x + (upper - top.y) * run
    const leave = top.x + (lower - top.y) * run
    addSlice(edges.subarray(y * width, (y + 1) * width), Math.min(enter, leave), Math.max(enter, leave), fall)
  }
}

const addSlice = (row: Float64Array, left: number, right: number, fall: number): void => {
  const first = Math.floor(left)
  const last = Math.max(first + 1, Math.ceil(right))
  let before = 0
  for (let x = first; x < last; x++) {
    const covered = coveredBy(left, right, x + 1) - coveredBy(left, right, x)
    add(row, x, fall * (covered - before))
    before = covered
  }
  add(row, last, fall * (1 - before))
}

/** Area right of the slanted edge and left of `x`, for a slice one row high. */
const coveredBy = (left: number, right: number, x: number): number => {
  if (x <= left) return 0
  if (x >= right) return x - (left + right) / 2
  return ((x - left) * (x - left)) / (2 * (right - left))
}

const add = (row: Float64Array, x: number, amount: number): void => {
  if (x < row.length) row[Math.max(0, x)] = (row[Math.max(0, x)] ?? 0) + amount
}
