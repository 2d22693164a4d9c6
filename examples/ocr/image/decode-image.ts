import type { GrayImage } from './gray-image.ts'
import { ImageError } from './image-error.ts'
import { defaultImageLimits, type ImageLimits } from './image-limits.ts'
import { decodeJpeg } from './jpeg/decode-jpeg.ts'
import { decodePng } from './png/decode-png.ts'

const startsWith = (bytes: Uint8Array, prefix: readonly number[]) =>
  prefix.every((byte, index) => bytes[index] === byte)

/**
 * Reads a PNG or a JPEG as brightness, with integer arithmetic only, so that every machine sees the same pixels.
 * Throws `ImageError`: another format, a damaged file, or one beyond `limits`.
 */
export const decodeImage = (bytes: Uint8Array, limits: ImageLimits = defaultImageLimits): GrayImage => {
  if (bytes.length > limits.maxFileBytes) {
    throw new ImageError('image-too-large', `The file has ${bytes.length} bytes; the limit is ${limits.maxFileBytes}.`)
  }
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47])) return decodePng(bytes, limits)
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return decodeJpeg(bytes, limits)
  throw new ImageError('image-unknown-format', 'The file is neither a PNG nor a JPEG image.')
}
