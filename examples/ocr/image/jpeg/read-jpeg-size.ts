import { ImageError } from '../image-error.ts'

const isFrameHeader = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc

/** Width and height from the frame header (ITU T.81, B.2.2), read before anything is decoded. */
export const readJpegSize = (bytes: Uint8Array): { width: number; height: number } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 2
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new ImageError('image-corrupt', 'The JPEG has no marker where one must be.')
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (isFrameHeader(marker)) return { width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    at += 2 + view.getUint16(at + 2)
  }
  throw new ImageError('image-corrupt', 'The JPEG ends before it says how large it is.')
}
