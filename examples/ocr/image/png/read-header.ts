import { ImageError } from '../image-error.ts'

export type PngHeader = {
  readonly width: number
  readonly height: number
  readonly bitDepth: number
  readonly colour: 'gray' | 'rgb' | 'palette' | 'gray-alpha' | 'rgba'
  readonly channels: number
  readonly interlaced: boolean
}

const colourTypes: Record<number, { colour: PngHeader['colour']; channels: number; depths: readonly number[] }> = {
  0: { colour: 'gray', channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { colour: 'rgb', channels: 3, depths: [8, 16] },
  3: { colour: 'palette', channels: 1, depths: [1, 2, 4, 8] },
  4: { colour: 'gray-alpha', channels: 2, depths: [8, 16] },
  6: { colour: 'rgba', channels: 4, depths: [8, 16] },
}

/** IHDR (PNG 3rd edition, 11.2.1). */
export const readHeader = (data: Uint8Array): PngHeader => {
  if (data.length !== 13)
    throw new ImageError('image-corrupt', `The PNG header has ${data.length} bytes instead of 13.`)
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const bitDepth = view.getUint8(8)
  const type = colourTypes[view.getUint8(9)]
  const interlace = view.getUint8(12)
  if (type === undefined || !type.depths.includes(bitDepth) || interlace > 1) {
    throw new ImageError('image-corrupt', 'The PNG header names a kind of pixel that does not exist.')
  }
  return {
    width: view.getUint32(0),
    height: view.getUint32(4),
    bitDepth,
    colour: type.colour,
    channels: type.channels,
    interlaced: interlace === 1,
  }
}
