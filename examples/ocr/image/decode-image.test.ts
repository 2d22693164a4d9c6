import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { encode } from 'jpeg-js'
import { expect, test } from 'vitest'
import { decodeImage } from './decode-image.ts'
import type { GrayImage } from './gray-image.ts'
import { ImageError } from './image-error.ts'
import { encodePng } from './png/encode-png.ts'

const ramp: GrayImage = { width: 24, height: 16, pixels: Uint8Array.from({ length: 384 }, (_, at) => (at % 24) * 10) }

const encodeJpeg = ({ width, height, pixels }: GrayImage): Uint8Array => {
  const data = Uint8Array.from({ length: pixels.length * 4 }, (_, at) => (at % 4 === 3 ? 255 : (pixels[at >> 2] ?? 0)))
  return encode({ width, height, data }, 90).data
}

const limits = { maxFileBytes: 4_096, maxPixels: 10_000, maxSide: 1_000 }

test('a JPEG becomes the same brightness on every machine', () => {
  const image = decodeImage(encodeJpeg(ramp))
  expect([image.width, image.height]).toEqual([24, 16])
  expect(Math.max(...image.pixels.map((pixel, at) => Math.abs(pixel - (ramp.pixels[at] ?? 0))))).toBeLessThan(8)
  expect(createHash('sha256').update(image.pixels).digest('hex')).toBe(
    'd13013fda5337ad6f950da9c3d6b004db3fb17167749df7392b56d950f9a411c',
  )
})

test.each<[string, Uint8Array, string]>([
  ['text', Buffer.from('Dear reader,'), 'image-unknown-format'],
  ['nothing', new Uint8Array(0), 'image-unknown-format'],
  ['a file that is too long', new Uint8Array(5_000), 'image-too-large'],
  ['a JPEG that is cut off', encodeJpeg(ramp).subarray(0, 300), 'image-corrupt'],
  ['a JPEG of nothing but its first bytes', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), 'image-corrupt'],
])('%s is refused', (_, bytes, code) => {
  expect(() => decodeImage(bytes, limits)).toThrow(expect.objectContaining({ name: 'ImageError', code }))
})

test('a JPEG beyond the limit is refused before it is decoded', () => {
  const large = Uint8Array.from(encodeJpeg(ramp))
  const frame = Buffer.from(large).indexOf(Uint8Array.of(0xff, 0xc0))
  large.set([0xff, 0xff, 0xff, 0xff], frame + 5)
  expect(() => decodeImage(large, limits)).toThrow(expect.objectContaining({ code: 'image-too-large' }))
})

test('damaged files give an image within the limits or an ImageError, never anything else', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 })
  const originals = [encodePng(ramp), encodeJpeg(ramp)]
  fc.assert(
    fc.property(fc.constantFrom(...originals), damage, fc.nat(), (original, changes, keep) => {
      const bytes = Uint8Array.from(original.subarray(0, original.length - (keep % 4) * 50))
      for (const [at, value] of changes) bytes[at % bytes.length] = value
      try {
        const image = decodeImage(bytes, limits)
        expect(image.pixels).toHaveLength(image.width * image.height)
        expect(image.pixels.length).toBeLessThanOrEqual(limits.maxPixels)
      } catch (error) {
        expect(error).toBeInstanceOf(ImageError)
      }
    }),
    { numRuns: 500 },
  )
})
