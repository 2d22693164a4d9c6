/**
 * A message between pool and worker: a small JSON head and the bytes that go with it, one after the other.
 * On the wire: u32 length of the head, f64 length of all bytes together (both little-endian), head, bytes.
 */
export interface Frame {
  readonly head: unknown
  readonly parts: readonly Uint8Array[]
}

const prefixBytes = 12

/** One part of a frame to be sent: bytes, or pieces of it that lie apart. */
export type PartToSend = Uint8Array | readonly Uint8Array[]

const piecesOf = (part: PartToSend): readonly Uint8Array[] => (part instanceof Uint8Array ? [part] : part)
const lengthOf = (part: PartToSend): number => piecesOf(part).reduce((total, piece) => total + piece.length, 0)

/** The buffers to write for a frame, none of them empty; the parts are not copied. */
export const layFrame = (head: object, parts: readonly PartToSend[]): Uint8Array[] => {
  const lengths = parts.map(lengthOf)
  const text = new TextEncoder().encode(JSON.stringify({ ...head, parts: lengths }))
  const start = new Uint8Array(prefixBytes + text.length)
  const view = new DataView(start.buffer)
  view.setUint32(0, text.length, true)
  view.setFloat64(
    4,
    lengths.reduce((total, length) => total + length, 0),
    true,
  )
  start.set(text, prefixBytes)
  return [start, ...parts.flatMap(piecesOf)].filter((bytes) => bytes.length > 0)
}

export interface FrameBounds {
  readonly headBytes: number
  readonly bodyBytes: number
}

export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/**
 * Reassembles frames from chunks of a stream and calls `onFrame` for each. Every part has memory of its own, so that its
 * elements are aligned. Throws `FrameError` where the stream is no sequence of frames within the bounds.
 */
export const createFrameReader = (
  bounds: FrameBounds,
  onFrame: (frame: Frame) => void,
): ((chunk: Uint8Array) => void) => {
  let target = new Uint8Array(prefixBytes)
  let filled = 0
  let expects: 'prefix' | 'head' | 'parts' = 'prefix'
  let bodyBytes = 0
  let head: unknown
  let parts: Uint8Array[] = []
  let partIndex = 0

  const expect = (what: 'prefix' | 'head' | 'parts', bytes: Uint8Array<ArrayBuffer>): void => {
    expects = what
    target = bytes
    filled = 0
  }

  const finishPart = (): void => {
    while (partIndex < parts.length) {
      const part = parts[partIndex++]
      if (part !== undefined && part.length > 0) return expect('parts', part as Uint8Array<ArrayBuffer>)
    }
    const frame = { head, parts }
    expect('prefix', new Uint8Array(prefixBytes))
    onFrame(frame)
  }

  const finish = (): void => {
    if (expects === 'prefix') {
      const view = new DataView(target.buffer)
      const headBytes = view.getUint32(0, true)
      bodyBytes = view.getFloat64(4, true)
      const isSane = headBytes > 0 && headBytes <= bounds.headBytes && bodyBytes >= 0 && bodyBytes <= bounds.bodyBytes
      if (!isSane) throw new FrameError(`a frame of ${headBytes} and ${bodyBytes} bytes is out of bounds`)
      expect('head', new Uint8Array(headBytes))
    } else if (expects === 'head') {
      head = parseHead(target)
      const lengths = partLengths(head)
      if (lengths.reduce((total, length) => total + length, 0) !== bodyBytes) {
        throw new FrameError('the parts of a frame do not add up to it')
      }
      parts = lengths.map((length) => new Uint8Array(length))
      partIndex = 0
      finishPart()
    } else finishPart()
  }

  return (chunk) => {
    let rest = chunk
    while (rest.length > 0) {
      const taken = rest.subarray(0, target.length - filled)
      target.set(taken, filled)
      filled += taken.length
      rest = rest.subarray(taken.length)
      if (filled === target.length) finish()
    }
  }
}

const parseHead = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new FrameError('the head of a frame is not JSON', { cause })
  }
}

const partLengths = (head: unknown): number[] => {
  if (typeof head !== 'object' || head === null || !('parts' in head) || !Array.isArray(head.parts)) {
    throw new FrameError('the head of a frame does not list its parts')
  }
  return head.parts.map((length: unknown) => {
    if (typeof length === 'number' && Number.isSafeInteger(length) && length >= 0) return length
    throw new FrameError('a part of a frame has no length')
  })
}
