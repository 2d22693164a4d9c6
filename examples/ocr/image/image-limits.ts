import { ImageError } from './image-error.ts'

/** What one image may cost. The default admits an A3 page at 300 dpi. */
export type ImageLimits = { readonly maxFileBytes: number; readonly maxPixels: number; readonly maxSide: number }

export const defaultImageLimits: ImageLimits = {
  maxFileBytes: 32 * 1024 * 1024,
  maxPixels: 20_000_000,
  maxSide: 16_384,
}

/** Throws `image-too-large` or `image-corrupt` before anything of the image's size is allocated. */
export const checkImageSize = (width: number, height: number, limits: ImageLimits): void => {
  if (width < 1 || height < 1)
    throw new ImageError('image-corrupt', `The image says it is ${width} × ${height} pixels.`)
  if (width > limits.maxSide || height > limits.maxSide || width * height > limits.maxPixels) {
    throw new ImageError(
      'image-too-large',
      `The image is ${width} × ${height} pixels; the limit is ${limits.maxPixels} pixels and ${limits.maxSide} a side.`,
    )
  }
}
