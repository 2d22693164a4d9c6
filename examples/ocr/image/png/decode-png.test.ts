import { crc32, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultImageLimits } from '../image-limits.ts'
import { decodePng } from './decode-png.ts'
import { encodePng } from './encode-png.ts'

const chunk = (type: string, data: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4)
  return bytes
}

type Made = {
  width: number
  height: number
  depth: number
  colourType: number
  interlace?: number
  rows: readonly (readonly number[])[]
  extra?: Uint8Array[]
}

const makePng = ({ width, height, depth, colourType, interlace = 0, rows, extra = [] }: Made): Uint8Array => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, colourType, 0, 0, interlace], 8)
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
  const data = chunk('IDAT', deflateSync(Uint8Array.from(rows.flat())))
  return Buffer.concat([signature, chunk('IHDR', header), ...extra, data, chunk('IEND', new Uint8Array(0))])
}

const decode = (bytes: Uint8Array) => decodePng(bytes, defaultImageLimits)
const pixels = (made: Made) => [...decode(makePng(made)).pixels]

describe('every kind of pixel becomes brightness', () => {
  test.each<[string, Made, number[]]>([
    ['1-bit gray', { width: 3, height: 1, depth: 1, colourType: 0, rows: [[0, 0b1010_0000]] }, [255, 0, 255]],
    ['2-bit gray', { width: 4, height: 1, depth: 2, colourType: 0, rows: [[0, 0b0001_1011]] }, [0, 85, 170, 255]],
    ['4-bit gray', { width: 2, height: 1, depth: 4, colourType: 0, rows: [[0, 0x3f]] }, [51, 255]],
    ['16-bit gray', { width: 1, height: 1, depth: 16, colourType: 0, rows: [[0, 200, 99]] }, [200]],
    ['rgb', { width: 2, height: 1, depth: 8, colourType: 2, rows: [[0, 255, 255, 255, 255, 0, 0]] }, [255, 77]],
    ['gray and alpha', { width: 2, height: 1, depth: 8, colourType: 4, rows: [[0, 0, 0, 0, 255]] }, [255, 0]],
    ['rgb and alpha', { width: 1, height: 1, depth: 8, colourType: 6, rows: [[0, 0, 0, 0, 128]] }, [127]],
  ])('%s', (_, made, expected) => {
    expect(pixels(made)).toEqual(expected)
  })

  test('a palette, with clear colours shown on white', () => {
    const extra = [chunk('PLTE', Uint8Array.of(0, 0, 0, 255, 255, 255)), chunk('tRNS', Uint8Array.of(255, 0))]
    expect(pixels({ width: 4, height: 1, depth: 2, colourType: 3, rows: [[0, 0b0001_1000]], extra })).toEqual([
      0, 255, 0, 0,
    ])
  })

  test('the five filters', () => {
    const rows = [
      [0, 10, 20, 30],
      [1, 10, 20, 30],
      [2, 1, 1, 1],
      [3, 1, 1, 1],
      [4, 1, 1, 1],
    ]
    const [first, left, up, mean, paeth] = [
      [10, 20, 30],
      [10, 30, 60],
      [11, 31, 61],
      [6, 19, 41],
      [7, 20, 42],
    ]
    const expected = [first, left, up, mean, paeth].flat()
    expect(pixels({ width: 3, height: 5, depth: 8, colourType: 0, rows })).toEqual(expected)
  })

  test('an interlaced image lands where a plain one does', () => {
    const image = { width: 3, height: 3, depth: 8, colourType: 0, interlace: 1 }
    const rows = [
      [0, 1],
      [0, 2],
      [0, 3, 4],
      [0, 5],
      [0, 6],
      [0, 7, 8, 9],
    ]
    expect(pixels({ ...image, rows })).toEqual([1, 5, 2, 7, 8, 9, 3, 6, 4])
  })
})

test('what was encoded is decoded', () => {
  const images = fc
    .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }))
    .chain(([width, height]) =>
      fc
        .uint8Array({ minLength: width * height, maxLength: width * height })
        .map((data) => ({ width, height, pixels: data })),
    )
  fc.assert(
    fc.property(images, (image) => {
      const { width, height, pixels: read } = decode(encodePng(image))
      expect([width, height, [...read]]).toEqual([image.width, image.height, [...image.pixels]])
    }),
  )
})

describe('hostile files', () => {
  const gray = { width: 2, height: 2, depth: 8, colourType: 0 }
  const rows = [
    [0, 1, 2],
    [0, 3, 4],
  ]

  test.each<[string, Uint8Array, string]>([
    ['a header of 4 billion pixels', makePng({ ...gray, width: 65_535, height: 65_535, rows }), 'image-too-large'],
    ['a header without pixels', makePng({ ...gray, width: 0, rows }), 'image-corrupt'],
    [
      'far more data than pixels',
      makePng({ ...gray, rows: [Array.from({ length: 1_000_000 }, () => 0)] }),
      'image-corrupt',
    ],
    ['too few rows', makePng({ ...gray, height: 3, rows }), 'image-corrupt'],
    [
      'an unknown filter',
      makePng({
        ...gray,
        rows: [
          [9, 1, 2],
          [0, 3, 4],
        ],
      }),
      'image-corrupt',
    ],
    ['an unknown colour type', makePng({ ...gray, colourType: 5, rows }), 'image-corrupt'],
    ['no end', makePng({ ...gray, rows }).subarray(0, -12), 'image-corrupt'],
  ])('%s', (_, bytes, code) => {
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ name: 'ImageError', code }))
  })

  test('a flipped bit is noticed', () => {
    const bytes = Uint8Array.from(makePng({ ...gray, rows }))
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: 'image-corrupt' }))
  })
})
