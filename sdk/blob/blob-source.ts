/**
 * Bytes to upload. A `Blob` (in Node `fs.openAsBlob(path)`, in a browser a `File`) or a function that opens the stream anew
 * is read twice, once for its CID and once to send it, and never held in memory; a stream that can be read only once is.
 */
export type BlobSource =
  | Uint8Array
  | Blob
  | (() => AsyncIterable<Uint8Array>)
  | AsyncIterable<Uint8Array>
  | ReadableStream<Uint8Array>

/** A source that can be read again. */
export type ReopenableSource = Uint8Array<ArrayBuffer> | Blob | (() => AsyncIterable<Uint8Array>)

async function* readStream(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

/** All bytes of a stream, in one piece. */
export const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    length += chunk.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Over memory that is not shared, as fetch and WebCrypto demand; copies only where it is. */
const unshared = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)

export const reopenable = async (source: BlobSource): Promise<ReopenableSource> => {
  if (source instanceof Uint8Array) return unshared(source)
  if (source instanceof Blob || typeof source === 'function') return source
  return collect(source instanceof ReadableStream ? readStream(source) : source)
}

/** The source as a stream, from its start. */
export const openSource = (source: ReopenableSource): AsyncIterable<Uint8Array> => {
  if (typeof source === 'function') return source()
  return readStream((source instanceof Blob ? source : new Blob([source])).stream())
}
