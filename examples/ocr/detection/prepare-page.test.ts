import { expect, test } from 'vitest'
import { createGrayImage } from '../image/gray-image.ts'
import { preparePage } from './prepare-page.ts'

test('a small page keeps its size, its border continued to multiples of 32', () => {
  const page = { width: 33, height: 2, pixels: Uint8Array.from({ length: 66 }, (_, at) => at) }
  const { tensor, scale } = preparePage(page)
  expect([scale, tensor.dims]).toEqual([1, [1, 1, 32, 64]])
  expect([tensor.data[32], tensor.data[63], tensor.data[31 * 64], tensor.data[32 * 64 - 1]]).toEqual([32, 32, 33, 65])
})

test('a large page is shrunk to at most 960 pixels a side', () => {
  const { tensor, scale } = preparePage(createGrayImage(2_480, 3_508))
  expect(tensor.dims).toEqual([1, 1, 960, 704])
  expect(scale).toBe(3_508 / 960)
})

test('a hair-thin page is still a page', () => {
  expect(preparePage(createGrayImage(16_000, 1)).tensor.dims).toEqual([1, 1, 32, 960])
})
