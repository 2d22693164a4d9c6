import fc from 'fast-check'
import { encode } from 'jpeg-js'
import { describe, expect, test } from 'vitest'
import { decodeImage } from '../decode-image.ts'
import { readOrientation } from './read-orientation.ts'

type Order = 'big' | 'little'

/** An APP1 segment with a TIFF block of two entries, the second the orientation. */
const exifSegment = (orientation: number, order: Order, { type = 3, count = 1, directory = 8, entries = 2 } = {}) => {
  const isLittle = order === 'little'
  const tiff = new DataView(new ArrayBuffer(38))
  tiff.setUint16(0, isLittle ? 0x4949 : 0x4d4d)
  tiff.setUint16(2, 42, isLittle)
  tiff.setUint32(4, directory, isLittle)
  tiff.setUint16(8, entries, isLittle)
  tiff.setUint16(10, 0x0100, isLittle)
  tiff.setUint16(12, 3, isLittle)
  tiff.setUint32(14, 1, isLittle)
  tiff.setUint16(22, 0x0112, isLittle)
  tiff.setUint16(24, type, isLittle)
  tiff.setUint32(26, count, isLittle)
  tiff.setUint16(30, orientation, isLittle)
  const length = 2 + 6 + tiff.byteLength
  return Buffer.concat([
    Uint8Array.of(0xff, 0xe1, length >> 8, length & 0xff),
    Buffer.from('Exif\0\0'),
    new Uint8Array(tiff.buffer),
  ])
}

const blocks = [
  [20, 60, 100],
  [140, 180, 220],
]
const side = 8

/** A picture of 3 × 2 blocks of 8 × 8 pixels, each of one brightness, so that a JPEG keeps them apart. */
const jpeg = (() => {
  const [width, height] = [3 * side, 2 * side]
  const data = new Uint8Array(width * height * 4).fill(255)
  for (let at = 0; at < width * height; at++) {
    const brightness = blocks[Math.floor(at / width / side)]?.[Math.floor((at % width) / side)] ?? 0
    data.fill(brightness, 4 * at, 4 * at + 3)
  }
  return encode({ width, height, data }, 95).data
})()

const withSegment = (...segments: readonly Uint8Array[]) =>
  new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]))

const shownBlocks = (bytes: Uint8Array) => {
  const { width, height, pixels } = decodeImage(bytes)
  return Array.from({ length: height / side }, (_, row) =>
    Array.from({ length: width / side }, (__, column) => {
      const brightness = pixels[(row * side + 4) * width + column * side + 4] ?? 0
      return 20 + 40 * Math.round((brightness - 20) / 40)
    }),
  )
}

describe('a JPEG is shown as its EXIF orientation says', () => {
  test.each<[number, number[][]]>([
    [1, blocks],
    [
      2,
      [
        [100, 60, 20],
        [220, 180, 140],
      ],
    ],
    [
      3,
      [
        [220, 180, 140],
        [100, 60, 20],
      ],
    ],
    [
      4,
      [
        [140, 180, 220],
        [20, 60, 100],
      ],
    ],
    [
      5,
      [
        [20, 140],
        [60, 180],
        [100, 220],
      ],
    ],
    [
      6,
      [
        [140, 20],
        [180, 60],
        [220, 100],
      ],
    ],
    [
      7,
      [
        [220, 100],
        [180, 60],
        [140, 20],
      ],
    ],
    [
      8,
      [
        [100, 220],
        [60, 180],
        [20, 140],
      ],
    ],
  ])('%i', (orientation, expected) => {
    expect(shownBlocks(withSegment(exifSegment(orientation, 'big')))).toEqual(expected)
    expect(shownBlocks(withSegment(exifSegment(orientation, 'little')))).toEqual(expected)
  })

  test('and its pixels are moved, not computed', () => {
    const stored = decodeImage(jpeg)
    const shown = decodeImage(withSegment(exifSegment(6, 'big')))
    expect([shown.width, shown.height]).toEqual([stored.height, stored.width])
    for (const [at, pixel] of shown.pixels.entries()) {
      const [x, y] = [at % shown.width, Math.floor(at / shown.width)]
      expect(pixel).toBe(stored.pixels[(stored.height - 1 - x) * stored.width + y])
    }
  })
})

test('the EXIF of a photograph may come after other segments', () => {
  const comment = Uint8Array.of(0xff, 0xfe, 0, 4, 1, 2)
  const xmp = Buffer.concat([Uint8Array.of(0xff, 0xe1, 0, 8), Buffer.from('http:/')])
  expect(readOrientation(withSegment(comment, xmp, exifSegment(8, 'little')))).toBe(8)
})

test.each<[string, Uint8Array]>([
  ['none', jpeg],
  ['a value there is not', withSegment(exifSegment(9, 'big'))],
  ['zero', withSegment(exifSegment(0, 'big'))],
  ['another type', withSegment(exifSegment(6, 'big', { type: 4 }))],
  ['more than one', withSegment(exifSegment(6, 'big', { count: 2 }))],
  ['a directory outside the block', withSegment(exifSegment(6, 'big', { directory: 0xffffffff }))],
  ['a directory that ends before it', withSegment(exifSegment(6, 'big', { entries: 1 }))],
  ['another byte order', withSegment(exifSegment(6, 'big').fill(0x20, 10, 12))],
  ['a segment that goes on past the end', withSegment(exifSegment(6, 'big')).subarray(0, 30)],
])('where it says nothing that can be read it stays as it is: %s', (_, bytes) => {
  expect(readOrientation(bytes)).toBe(1)
})

test('no damage to it makes an image unreadable', () => {
  const whole = withSegment(exifSegment(6, 'little'))
  const damage = fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(damage, fc.nat(80), (changes, keep) => {
      const bytes = whole.slice(0, keep)
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      expect([1, 2, 3, 4, 5, 6, 7, 8]).toContain(readOrientation(bytes))
    }),
  )
})
