import { pixelAt, type GrayImage } from './gray-image.ts'

const one = 256

/** Brightness between pixels, at a position in 1/256 of a pixel; 8-bit weights, rounded to nearest. */
export const sampleBetween = (image: GrayImage, x: number, y: number): number => {
  const column = Math.floor(x / one)
  const row = Math.floor(y / one)
  const right = x - column * one
  const down = y - row * one
  const upper = pixelAt(image, column, row) * (one - right) + pixelAt(image, column + 1, row) * right
  const lower = pixelAt(image, column, row + 1) * (one - right) + pixelAt(image, column + 1, row + 1) * right
  return (upper * (one - down) + lower * down + (one * one) / 2) >> 16
}

/** Halves both sides, each pixel the rounded mean of four; an odd last row or column is left out. */
export const halveImage = (image: GrayImage): GrayImage => {
  const width = Math.max(1, image.width >> 1)
  const height = Math.max(1, image.height >> 1)
  const pixels = new Uint8Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const upper = pixelAt(image, 2 * x, 2 * y) + pixelAt(image, 2 * x + 1, 2 * y)
      const lower = pixelAt(image, 2 * x, 2 * y + 1) + pixelAt(image, 2 * x + 1, 2 * y + 1)
      pixels[y * width + x] = (upper + lower + 2) >> 2
    }
  }
  return { width, height, pixels }
}

/**
 * Resizes by bilinear interpolation in fixed point, pixel centres on pixel centres.
 * Images to be shrunk to less than half are halved first, so that no pixel goes unseen.
 */
export const resizeImage = (image: GrayImage, width: number, height: number): GrayImage => {
  if (image.width === width && image.height === height) return image
  if (image.width >= 2 * width && image.height >= 2 * height) return resizeImage(halveImage(image), width, height)
  const pixels = new Uint8Array(width * height)
  const columns = positions(image.width, width)
  const rows = positions(image.height, height)
  rows.forEach((row, y) => {
    columns.forEach((column, x) => {
      pixels[y * width + x] = sampleBetween(image, column, row)
    })
  })
  return { width, height, pixels }
}

const positions = (from: number, to: number): readonly number[] =>
  Array.from({ length: to }, (_, index) => Math.floor((one * ((2 * index + 1) * from - to)) / (2 * to)))
