import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { GrayImage } from './gray-image.ts'
import { halveImage, resizeImage, sampleBetween } from './resize-image.ts'

const image = (width: number, ...pixels: number[]): GrayImage => ({
  width,
  height: pixels.length / width,
  pixels: Uint8Array.from(pixels),
})

test('enlarging interpolates between the centres of pixels', () => {
  expect([...resizeImage(image(2, 0, 100), 4, 1).pixels]).toEqual([0, 25, 75, 100])
})

test('shrinking by a third', () => {
  expect([...resizeImage(image(3, 0, 90, 240), 2, 1).pixels]).toEqual([23, 203])
})

test('shrinking to less than half sees every pixel', () => {
  expect([...resizeImage(image(4, 0, 0, 255, 0, 0, 0, 0, 255), 1, 1).pixels]).toEqual([64])
})

test('halving rounds the mean of four', () => {
  expect([...halveImage(image(2, 1, 2, 2, 2)).pixels]).toEqual([2])
})

test('positions past the border read the border', () => {
  expect(sampleBetween(image(2, 10, 20), -5_000, 300)).toBe(10)
  expect(sampleBetween(image(2, 10, 20), 128, 0)).toBe(15)
})

test('no resize leaves the range of brightness', () => {
  const side = fc.integer({ min: 1, max: 12 })
  const pixels = fc.uint8Array({ minLength: 24, maxLength: 24 })
  fc.assert(
    fc.property(pixels, side, side, (data, width, height) => {
      const resized = resizeImage({ width: 6, height: 4, pixels: data }, width, height)
      expect(resized.pixels).toHaveLength(width * height)
      expect(Math.min(...resized.pixels)).toBeGreaterThanOrEqual(Math.min(...data))
      expect(Math.max(...resized.pixels)).toBeLessThanOrEqual(Math.max(...data))
    }),
  )
})
