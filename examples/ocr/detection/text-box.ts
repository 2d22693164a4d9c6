/**
 * A rectangle around a piece of text, in pixels, with pixel centres at whole numbers + 0.5.
 * (`alongX`, `alongY`) is the unit vector in which the text runs; y grows downwards.
 */
export type TextBox = {
  readonly centreX: number
  readonly centreY: number
  readonly alongX: number
  readonly alongY: number
  readonly length: number
  readonly height: number
  /** Mean probability, 0 to 1, that its pixels are text. */
  readonly score: number
}
