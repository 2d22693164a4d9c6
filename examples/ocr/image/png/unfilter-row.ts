import { ImageError } from '../image-error.ts'

const paeth = (left: number, up: number, upLeft: number) => {
  const estimate = left + up - upLeft
  const toLeft = Math.abs(estimate - left)
  const toUp = Math.abs(estimate - up)
  const toUpLeft = Math.abs(estimate - upLeft)
  if (toLeft <= toUp && toLeft <= toUpLeft) return left
  return toUp <= toUpLeft ? up : upLeft
}

const predictors: readonly ((left: number, up: number, upLeft: number) => number)[] = [
  () => 0,
  (left) => left,
  (_left, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
]

/** Undoes one row's filter in place (PNG 3rd edition, 9.2). `above` is the row before, already undone; empty for the first. */
export const unfilterRow = (filter: number, row: Uint8Array, above: Uint8Array, bytesPerPixel: number): void => {
  const predict = predictors[filter]
  if (predict === undefined)
    throw new ImageError('image-corrupt', `The PNG uses filter ${filter}, which does not exist.`)
  for (let at = 0; at < row.length; at++) {
    const left = row[at - bytesPerPixel] ?? 0
    const up = above[at] ?? 0
    const upLeft = above[at - bytesPerPixel] ?? 0
    row[at] = (row[at] ?? 0) + predict(left, up, upLeft)
  }
}
