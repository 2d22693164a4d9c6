const headBytes = 4
const firstCapacity = 1024

export interface FrameDecoder {
  push(chunk: Uint8Array): void
}

export interface FrameDecoderOptions {
  readonly maxFrameBytes: number
  /** A frame's body; it may lie inside the chunk pushed and is valid until this returns. */
  onFrame(body: Uint8Array): void
  /** A head that promises more than `maxFrameBytes`. Nothing is read after it. */
  onTooLarge(frameBytes: number): void
}

/**
 * Cuts a stream of chunks into frames of a big-endian 32-bit length and that many bytes. Memory held is at most
 * twice the bytes of the unfinished frame that have come, whatever its head promises and however small the chunks.
 */
export const createFrameDecoder = ({ maxFrameBytes, onFrame, onTooLarge }: FrameDecoderOptions): FrameDecoder => {
  let held = new Uint8Array(0)
  let heldBytes = 0
  let isBroken = false

  const hold = (bytes: Uint8Array): void => {
    if (heldBytes + bytes.length > held.length) {
      const grown = new Uint8Array(Math.max(firstCapacity, held.length * 2, heldBytes + bytes.length))
      grown.set(held.subarray(0, heldBytes))
      held = grown
    }
    held.set(bytes, heldBytes)
    heldBytes += bytes.length
  }

  const lengthAt = (bytes: Uint8Array, at: number): number =>
    (bytes[at] ?? 0) * 0x1000000 + (((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0))

  /** Emits whole frames from `bytes`; answers how many bytes they took. */
  const emitWhole = (bytes: Uint8Array): number => {
    let at = 0
    while (bytes.length - at >= headBytes) {
      const length = lengthAt(bytes, at)
      if (length > maxFrameBytes) {
        isBroken = true
        onTooLarge(length)
        return bytes.length
      }
      if (bytes.length - at - headBytes < length) break
      // A plain Uint8Array, since the slices of a Buffer are views that would keep the whole chunk alive.
      onFrame(new Uint8Array(bytes.buffer, bytes.byteOffset + at + headBytes, length))
      at += headBytes + length
    }
    return at
  }

  const missingOfHeld = (): number =>
    heldBytes < headBytes ? headBytes - heldBytes : headBytes + lengthAt(held, 0) - heldBytes

  return {
    push: (chunk) => {
      let rest = chunk
      while (heldBytes > 0 && rest.length > 0 && !isBroken) {
        const taken = Math.min(rest.length, missingOfHeld())
        hold(rest.subarray(0, taken))
        rest = rest.subarray(taken)
        if (emitWhole(held.subarray(0, heldBytes)) === 0) continue
        heldBytes = 0
        if (held.length > 65_536) held = new Uint8Array(0)
      }
      if (isBroken || rest.length === 0) return
      const taken = emitWhole(rest)
      if (!isBroken && taken < rest.length) hold(rest.subarray(taken))
    },
  }
}
