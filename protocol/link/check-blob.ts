import { cidOfSha256, type Cid } from '../digest/cid.ts'
import { MusterError } from '../error/muster-error.ts'

/** SHA-256 that takes bytes as they come. */
export interface Sha256 {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

/**
 * Hands a blob on as it comes. Throws `blob_too_large` past `maxBytes` and, after the last byte, `blob_corrupt`
 * where the bytes are not the blob `cid` names: what was taken before must then be thrown away.
 */
export async function* checkBlob(
  cid: Cid,
  bytes: AsyncIterable<Uint8Array>,
  maxBytes: number,
  sha256: Sha256,
): AsyncGenerator<Uint8Array, void, undefined> {
  let count = 0
  for await (const chunk of bytes) {
    count += chunk.length
    if (count > maxBytes) {
      throw new MusterError({
        code: 'blob_too_large',
        message: `The blob is larger than the ${maxBytes} bytes allowed here.`,
        facts: { cid, maxBytes },
      })
    }
    sha256.update(chunk)
    yield chunk
  }
  const found = cidOfSha256(sha256.digest())
  if (found === cid) return
  throw new MusterError({
    code: 'blob_corrupt',
    message: 'The bytes that came are not the blob that was asked for.',
    facts: { cid, found, bytes: count },
  })
}
