import { medianDirection } from './fit-direction.ts'
import type { TextBox } from './text-box.ts'

type Placed = { readonly box: TextBox; readonly along: number; readonly across: number }

/** Rows from top to bottom, each from left to right, along the slant of the page. One column of rows is assumed. */
export const orderBoxes = (boxes: readonly TextBox[]): readonly (readonly TextBox[])[] => {
  const slant = medianDirection(boxes.map(({ alongX, alongY }) => ({ x: alongX, y: alongY })))
  const placed = boxes
    .map((box) => ({
      box,
      along: box.centreX * slant.x + box.centreY * slant.y,
      across: box.centreY * slant.x - box.centreX * slant.y,
    }))
    .toSorted((a, b) => a.across - b.across)
  const rows: Placed[][] = []
  for (const place of placed) {
    const row = rows.at(-1)
    if (row !== undefined && belongsTo(row, place)) row.push(place)
    else rows.push([place])
  }
  return rows.map((row) => row.toSorted((a, b) => a.along - b.along).map(({ box }) => box))
}

const belongsTo = (row: readonly Placed[], { box, across }: Placed): boolean => {
  const middle = row.reduce((sum, place) => sum + place.across, 0) / row.length
  const height = row.reduce((sum, place) => sum + place.box.height, 0) / row.length
  return across - middle < (height + box.height) / 4
}
