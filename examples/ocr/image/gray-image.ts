/** One brightness sample a pixel, row-major, 0 black to 255 white. */
export type GrayImage = { readonly width: number; readonly height: number; readonly pixels: Uint8Array }

/** A white image of `width` × `height` pixels. */
export const createGrayImage = (width: number, height: number): GrayImage => ({
  width,
  height,
  pixels: new Uint8Array(width * height).fill(255),
})

/** The pixel at (x, y); coordinates past the border read the nearest pixel of the border. */
export const pixelAt = ({ width, height, pixels }: GrayImage, x: number, y: number): number => {
  const column = Math.min(Math.max(x, 0), width - 1)
  const row = Math.min(Math.max(y, 0), height - 1)
  return pixels[row * width + column] ?? 255
}
