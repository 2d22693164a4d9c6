import { expect, test } from 'vitest'
import { makePage } from './make-page.ts'
import { readShippedPages, shippedSeed } from './read-shipped-pages.ts'

const shipped = readShippedPages()

test('there are at least 24 pages of 3 to 12 lines in different sizes', () => {
  expect(shipped.length).toBeGreaterThanOrEqual(24)
  expect(Math.min(...shipped.map(({ lines }) => lines.length))).toBeGreaterThanOrEqual(3)
  expect(Math.max(...shipped.map(({ lines }) => lines.length))).toBeLessThanOrEqual(12)
  expect(new Set(shipped.map(({ image }) => `${image.width}×${image.height}`)).size).toBe(shipped.length)
})

test.each([0, 6, 19])('page %i is what the script makes', (number) => {
  const { file, lines, image } = makePage(shippedSeed, number)
  const page = shipped[number]
  expect([file, lines]).toEqual([page?.file, page?.lines])
  expect(Buffer.compare(image.pixels, page?.image.pixels ?? new Uint8Array(0))).toBe(0)
})

test('another seed makes another page', () => {
  expect(makePage(shippedSeed + 1, 0).lines).not.toEqual(makePage(shippedSeed, 0).lines)
})
