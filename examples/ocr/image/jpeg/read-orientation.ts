import type { Orientation } from '../orient-image.ts'

const exifName = [0x45, 0x78, 0x69, 0x66, 0, 0] as const
const orientationTag = 0x0112
const shortType = 3
const app1 = 0xe1
const startOfScan = 0xda
const endOfImage = 0xd9

const isOrientation = (value: number): value is Orientation => value >= 1 && value <= 8

/** The orientation in the first directory of a TIFF block, or nothing. Throws `RangeError` where it points outside itself. */
const readTiff = (view: DataView): Orientation | undefined => {
  const order = view.getUint16(0)
  if (order !== 0x4949 && order !== 0x4d4d) return undefined
  const isLittle = order === 0x4949
  if (view.getUint16(2, isLittle) !== 42) return undefined
  const directory = view.getUint32(4, isLittle)
  const entries = view.getUint16(directory, isLittle)
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + 12 * entry
    if (view.getUint16(at, isLittle) !== orientationTag) continue
    if (view.getUint16(at + 2, isLittle) !== shortType || view.getUint32(at + 4, isLittle) !== 1) return undefined
    const value = view.getUint16(at + 8, isLittle)
    return isOrientation(value) ? value : undefined
  }
  return undefined
}

const exifOf = (bytes: Uint8Array): DataView | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 2
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]
    if (marker === 0xff) {
      at += 1
      continue
    }
    if (marker === startOfScan || marker === endOfImage) return undefined
    const length = view.getUint16(at + 2)
    const body = at + 4 + exifName.length
    const isExif = marker === app1 && exifName.every((byte, index) => bytes[at + 4 + index] === byte)
    const end = at + 2 + length
    if (isExif)
      return body < end && end <= bytes.length
        ? new DataView(view.buffer, view.byteOffset + body, end - body)
        : undefined
    at = end
  }
  return undefined
}

/** How a JPEG says it is to be shown; 1 where it does not say so, or not in a way that can be read. */
export const readOrientation = (bytes: Uint8Array): Orientation => {
  const exif = exifOf(bytes)
  if (exif === undefined) return 1
  try {
    return readTiff(exif) ?? 1
  } catch (error) {
    if (error instanceof RangeError) return 1
    throw error
  }
}
