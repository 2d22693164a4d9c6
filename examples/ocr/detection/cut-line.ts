import { createGrayImage, type GrayImage } from '../image/gray-image.ts'
import { sampleBetween } from '../image/resize-image.ts'
import type { TextBox } from './text-box.ts'

/** Cuts a box out of the page and levels it, at the page's own resolution; positions in 1/256 of a pixel. */
export const cutLine = (page: GrayImage, box: TextBox): GrayImage => {
  const line = createGrayImage(Math.max(1, Math.round(box.length)), Math.max(1, Math.round(box.height)))
  for (let y = 0; y < line.height; y++) {
    const across = y + 0.5 - line.height / 2
    for (let x = 0; x < line.width; x++) {
      const along = x + 0.5 - line.width / 2
      const pageX = box.centreX + along * box.alongX - across * box.alongY - 0.5
      const pageY = box.centreY + along * box.alongY + across * box.alongX - 0.5
      line.pixels[y * line.width + x] = sampleBetween(page, Math.floor(pageX * 256), Math.floor(pageY * 256))
    }
  }
  return line
}
