/** BT.601 brightness of an 8-bit colour, in 8-bit fixed point: the weights add up to 256, so white stays 255. */
export const luma = (red: number, green: number, blue: number): number =>
  (77 * red + 150 * green + 29 * blue + 128) >> 8

/** A brightness seen through `alpha` (0 clear to 255 opaque) on white paper. */
export const overWhite = (brightness: number, alpha: number): number =>
  Math.floor((brightness * alpha + 255 * (255 - alpha) + 127) / 255)
