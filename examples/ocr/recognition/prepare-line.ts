import type { GrayImage } from '../image/gray-image.ts'
import { resizeImage } from '../image/resize-image.ts'
import type { Tensor } from '@muster/graph'

const lineHeight = 48
/** A line is padded up to one of these, so that machines meet few shapes and a task's cost is bounded. */
const widths = [128, 192, 256, 320, 448, 576, 704, 832, 960, 1_152, 1_344, 1_600, 1_920] as const
const widest = 1_920
const padding = 128

/** uint8 [1, 1, 48, width]: the line 48 pixels high, then mid-gray. A line longer than the widest is squeezed. */
export const prepareLine = (line: GrayImage): Tensor => {
  const natural = Math.max(1, Math.round((line.width * lineHeight) / line.height))
  const width = widths.find((candidate) => candidate >= natural) ?? widest
  const text = resizeImage(line, Math.min(natural, width), lineHeight)
  const data = new Uint8Array(lineHeight * width).fill(padding)
  for (let y = 0; y < lineHeight; y++) {
    data.set(text.pixels.subarray(y * text.width, (y + 1) * text.width), y * width)
  }
  return { dtype: 'uint8', dims: [1, 1, lineHeight, width], data }
}
