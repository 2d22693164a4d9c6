import { expect, test } from 'vitest'
import { createGrayImage } from '../image/gray-image.ts'
import { prepareLine } from './prepare-line.ts'

const dims = (width: number, height: number) => prepareLine(createGrayImage(width, height)).dims

test('a line is 48 pixels high and as wide as one of a few widths', () => {
  expect(dims(100, 24)).toEqual([1, 1, 48, 256])
  expect(dims(3, 30)).toEqual([1, 1, 48, 128])
})

test('a line that is too long is squeezed into the widest', () => {
  expect(dims(9_000, 20)).toEqual([1, 1, 48, 1_920])
})

test('what is right of the text is mid-gray', () => {
  const { data } = prepareLine(createGrayImage(100, 24))
  expect([data[199], data[200], data[255], data[256]]).toEqual([255, 128, 128, 255])
})
