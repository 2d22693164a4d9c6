import { crc32 } from 'node:zlib'
import { ImageError } from '../image-error.ts'

export type PngChunk = { readonly type: string; readonly data: Uint8Array }

const signatureBytes = 8
const frameBytes = 12

/** The chunks of a PNG up to IEND, each with its checksum verified (PNG 3rd edition, 5.3). */
export const readChunks = (bytes: Uint8Array): readonly PngChunk[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const chunks: PngChunk[] = []
  let at = signatureBytes
  while (at + frameBytes <= bytes.length) {
    const length = view.getUint32(at)
    const end = at + frameBytes + length
    if (end > bytes.length) break
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw new ImageError('image-corrupt', 'A part of the PNG does not match its checksum.')
    }
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (type === 'IEND') return chunks
    chunks.push({ type, data: bytes.subarray(at + 8, end - 4) })
    at = end
  }
  throw new ImageError('image-corrupt', 'The PNG is cut off before its end.')
}
