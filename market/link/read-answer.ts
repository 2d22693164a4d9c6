import type { ClientHttp2Stream } from 'node:http2'
import { decodeProblem, linkClosed, MusterError } from '@muster/protocol'

const tooLarge = (maxBytes: number): MusterError =>
  new MusterError({
    code: 'record_invalid',
    message: `The agent's answer is larger than the ${maxBytes} bytes allowed here.`,
    facts: { maxBytes },
  })

/**
 * The body of the answer to a request, at most `maxBytes`. Rejects with the error in a problem body, with `record_invalid`
 * on a body too large, and with `link_closed` where the stream ends before the answer does. `known` is the status where
 * the head of the answer was read before.
 */
export const readAnswer = (stream: ClientHttp2Stream, maxBytes: number, known?: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    let status = known ?? 0
    let byteCount = 0
    let only: Uint8Array | undefined
    const chunks: Uint8Array[] = []
    stream.on('response', (headers) => {
      status = headers[':status'] ?? 0
    })
    stream.on('data', (chunk: Buffer) => {
      byteCount += chunk.length
      if (byteCount > maxBytes) {
        isSettled = true
        reject(tooLarge(maxBytes))
        stream.destroy()
        return
      }
      only = chunk
      chunks.push(chunk)
    })
    let isSettled = false
    const lose = (): void => {
      if (!isSettled) reject(linkClosed('lost'))
      isSettled = true
    }
    stream.on('end', () => {
      isSettled = true
      if (status === 0 || stream.rstCode !== 0) return reject(linkClosed('lost'))
      const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
      // A plain Uint8Array: slices of a Buffer are views of it.
      const bytes = new Uint8Array(body.buffer, body.byteOffset, body.length)
      if (status === 200) resolve(bytes)
      else reject(decodeProblem(status, bytes))
    })
    stream.on('error', lose)
    stream.on('close', lose)
  })
