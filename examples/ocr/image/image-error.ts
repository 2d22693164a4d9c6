export type ImageErrorCode = 'image-unknown-format' | 'image-corrupt' | 'image-too-large' | 'image-unsupported'

/** An image that cannot be read. `message` is one sentence for a person; a retry never helps. */
export class ImageError extends Error {
  readonly code: ImageErrorCode
  override readonly name = 'ImageError'

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
