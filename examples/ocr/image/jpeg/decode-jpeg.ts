import { decode } from 'jpeg-js'
import type { GrayImage } from '../gray-image.ts'
import { ImageError } from '../image-error.ts'
import { checkImageSize, type ImageLimits } from '../image-limits.ts'
import { luma } from '../luma.ts'
import { orientImage } from '../orient-image.ts'
import { readOrientation } from './read-orientation.ts'
import { readJpegSize } from './read-jpeg-size.ts'

const memoryBytesPerPixel = 24

/**
 * Reads a baseline or progressive JPEG. jpeg-js is plain JavaScript with an integer inverse DCT,
 * so the pixels do not depend on the engine. It is turned as its EXIF orientation says, pixel by pixel.
 */
export const decodeJpeg = (bytes: Uint8Array, limits: ImageLimits): GrayImage => {
  const { width, height } = readJpegSize(bytes)
  checkImageSize(width, height, limits)
  const { data } = decodeColours(bytes, limits)
  if (data.length !== width * height * 3) {
    throw new ImageError('image-corrupt', 'The JPEG holds fewer pixels than its header says.')
  }
  const pixels = new Uint8Array(width * height)
  for (let at = 0, from = 0; at < pixels.length; at++, from += 3) {
    pixels[at] = luma(data[from] ?? 0, data[from + 1] ?? 0, data[from + 2] ?? 0)
  }
  return orientImage({ width, height, pixels }, readOrientation(bytes))
}

const decodeColours = (bytes: Uint8Array, limits: ImageLimits) => {
  try {
    return decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: limits.maxPixels / 1_000_000,
      maxMemoryUsageInMB: 16 + (limits.maxPixels * memoryBytesPerPixel) / (1024 * 1024),
    })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ImageError('image-corrupt', `The JPEG cannot be read: ${reason}.`, { cause })
  }
}
