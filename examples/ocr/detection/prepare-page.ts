import { createGrayImage, pixelAt, type GrayImage } from '../image/gray-image.ts'
import { resizeImage } from '../image/resize-image.ts'
import type { Tensor } from '@muster/graph'

/** The longer side a page may have in detection: what a task costs at most. */
const longestSide = 960
/** The detector halves its input five times. */
const stride = 32

export type PreparedPage = {
  /** uint8 [1, 1, height, width], sides multiples of 32. */
  readonly tensor: Tensor
  /** Pixels of the page for each pixel of the tensor. */
  readonly scale: number
}

/** Shrinks a page where it is too large, and continues its border up to the next multiple of 32. */
export const preparePage = (page: GrayImage): PreparedPage => {
  const scale = Math.max(1, Math.max(page.width, page.height) / longestSide)
  const shrunk = resizeImage(
    page,
    Math.max(1, Math.round(page.width / scale)),
    Math.max(1, Math.round(page.height / scale)),
  )
  const padded = createGrayImage(toStride(shrunk.width), toStride(shrunk.height))
  for (let y = 0; y < padded.height; y++) {
    for (let x = 0; x < padded.width; x++) padded.pixels[y * padded.width + x] = pixelAt(shrunk, x, y)
  }
  return { tensor: { dtype: 'uint8', dims: [1, 1, padded.height, padded.width], data: padded.pixels }, scale }
}

const toStride = (side: number): number => Math.ceil(side / stride) * stride
