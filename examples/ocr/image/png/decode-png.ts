import { inflateSync } from 'node:zlib'
import { createGrayImage, type GrayImage } from '../gray-image.ts'
import { ImageError } from '../image-error.ts'
import { checkImageSize, type ImageLimits } from '../image-limits.ts'
import { readChunks } from './read-chunks.ts'
import { readHeader, type PngHeader } from './read-header.ts'
import { readPalette, readRow } from './read-row.ts'
import { unfilterRow } from './unfilter-row.ts'

type Pass = { x: number; y: number; stepX: number; stepY: number; width: number; height: number; rowBytes: number }

const wholeImage = [[0, 0, 1, 1]] as const
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

const passesOf = (header: PngHeader): readonly Pass[] =>
  (header.interlaced ? adam7 : wholeImage).flatMap(([x, y, stepX, stepY]) => {
    const width = Math.ceil((header.width - x) / stepX)
    const height = Math.ceil((header.height - y) / stepY)
    const rowBytes = Math.ceil((width * header.channels * header.bitDepth) / 8)
    return width > 0 && height > 0 ? [{ x, y, stepX, stepY, width, height, rowBytes }] : []
  })

const inflate = (compressed: Uint8Array, expectedBytes: number): Uint8Array => {
  try {
    const data = inflateSync(compressed, { maxOutputLength: expectedBytes })
    if (data.length === expectedBytes) return data
  } catch (cause) {
    throw new ImageError('image-corrupt', 'The pixels of the PNG cannot be unpacked.', { cause })
  }
  throw new ImageError('image-corrupt', 'The PNG holds fewer pixels than its header says.')
}

/** Reads any PNG of the standard's colour types. What is unpacked is bounded by the checked header, never by the data. */
export const decodePng = (bytes: Uint8Array, limits: ImageLimits): GrayImage => {
  const chunks = readChunks(bytes)
  const joined = (type: string) => Buffer.concat(chunks.filter((chunk) => chunk.type === type).map(({ data }) => data))
  if (chunks[0]?.type !== 'IHDR') throw new ImageError('image-corrupt', 'The PNG does not begin with its header.')
  const header = readHeader(chunks[0].data)
  checkImageSize(header.width, header.height, limits)
  const palette = readPalette(joined('PLTE'), joined('tRNS'))
  const passes = passesOf(header)
  const expectedBytes = passes.reduce((sum, pass) => sum + pass.height * (1 + pass.rowBytes), 0)
  const data = inflate(joined('IDAT'), expectedBytes)

  const image = createGrayImage(header.width, header.height)
  const bytesPerPixel = Math.max(1, (header.channels * header.bitDepth) >> 3)
  let at = 0
  for (const pass of passes) {
    let above: Uint8Array = new Uint8Array(0)
    for (let row = 0; row < pass.height; row++) {
      const line = data.subarray(at + 1, at + 1 + pass.rowBytes)
      unfilterRow(data[at] ?? 0, line, above, bytesPerPixel)
      const brightness = readRow(line, pass.width, header, palette)
      const start = (pass.y + row * pass.stepY) * header.width + pass.x
      for (let column = 0; column < pass.width; column++) {
        image.pixels[start + column * pass.stepX] = brightness[column] ?? 0
      }
      above = line
      at += 1 + pass.rowBytes
    }
  }
  return image
}
