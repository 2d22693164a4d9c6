import type { Http2Stream } from 'node:http2'

const maxWaitingChunks = 16

/**
 * The bytes of a stream's body at the reader's pace. Listens from the call on, so that a body which ended before the first
 * read is not lost. Throws where the stream ends early; a reader that stops leaves the stream as it is.
 */
export const streamBody = (stream: Http2Stream): AsyncGenerator<Uint8Array, void, undefined> => {
  const waiting: Uint8Array[] = []
  let end: 'whole' | 'early' | undefined
  let wake = (): void => {}
  stream.on('data', (chunk: Buffer) => {
    waiting.push(chunk)
    if (waiting.length >= maxWaitingChunks) stream.pause()
    wake()
  })
  stream.on('end', () => {
    end ??= stream.rstCode === 0 && !stream.aborted ? 'whole' : 'early'
    wake()
  })
  stream.on('close', () => {
    end ??= 'early'
    wake()
  })

  const read = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = waiting.shift()
      if (chunk !== undefined) {
        if (waiting.length === 0) stream.resume()
        yield chunk
      } else if (end === 'whole') return
      else if (end === 'early') throw new Error(`stream reset with code ${stream.rstCode ?? 'none'}`)
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return read()
}
