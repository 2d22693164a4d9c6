import type { GrayImage } from './gray-image.ts'

/** How a stored image is to be shown, as EXIF numbers it (CIPA DC-008, tag 274); 1 is as it is. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

/** Where the first stored row and the first stored column are shown. */
const shown = {
  1: { row: 'top', column: 'left' },
  2: { row: 'top', column: 'right' },
  3: { row: 'bottom', column: 'right' },
  4: { row: 'bottom', column: 'left' },
  5: { row: 'left', column: 'top' },
  6: { row: 'right', column: 'top' },
  7: { row: 'right', column: 'bottom' },
  8: { row: 'left', column: 'bottom' },
} as const satisfies Record<Orientation, unknown>

/** The image as it is to be shown: every pixel moved, none computed. */
export const orientImage = (image: GrayImage, orientation: Orientation): GrayImage => {
  if (orientation === 1) return image
  const { width, height, pixels } = image
  const { row, column } = shown[orientation]
  const isTurned = row === 'left' || row === 'right'
  const fromFarRow = row === 'bottom' || row === 'right'
  const fromFarColumn = column === 'right' || column === 'bottom'
  const across = isTurned ? height : width
  const turned = new Uint8Array(pixels.length)
  for (let at = 0; at < turned.length; at++) {
    const x = at % across
    const y = (at - x) / across
    const storedRow = isTurned ? x : y
    const storedColumn = isTurned ? y : x
    const fromRow = fromFarRow ? height - 1 - storedRow : storedRow
    const fromColumn = fromFarColumn ? width - 1 - storedColumn : storedColumn
    turned[at] = pixels[fromRow * width + fromColumn] ?? 255
  }
  return { width: across, height: isTurned ? width : height, pixels: turned }
}
