/** What one end of a link allows the other, and how long it waits. Both ends have defaults; neither tells the other. */
export interface LinkLimits {
  /** One message, encoded. */
  readonly maxFrameBytes: number
  /** Messages waiting for a peer that does not read; past it the link is closed as `lost`. */
  readonly maxQueuedBytes: number
  /** Request or answer of one call, encoded. */
  readonly maxCallBytes: number
  /** One blob, where the caller gives no smaller bound. */
  readonly maxBlobBytes: number
  /** Time for both sockets to open. */
  readonly handshakeMs: number
  readonly pingIntervalMs: number
  /** Intervals in a row in which nothing came, not even the answer to a ping, before a link is `silent`. */
  readonly silentIntervals: number
  /** A blob's transfer ends with `timeout` after this long without a byte. */
  readonly blobIdleMs: number
  /** Time a closing link has to flush and say why. */
  readonly closeMs: number
}

const mebibyte = 1024 * 1024

export const defaultLinkLimits: LinkLimits = {
  maxFrameBytes: 8 * mebibyte,
  maxQueuedBytes: 32 * mebibyte,
  maxCallBytes: 8 * mebibyte,
  maxBlobBytes: 4096 * mebibyte,
  handshakeMs: 10_000,
  pingIntervalMs: 5_000,
  silentIntervals: 4,
  blobIdleMs: 60_000,
  closeMs: 2_000,
}
