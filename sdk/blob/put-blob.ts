import { MusterError, putBlobRoute, type Cid } from '@muster/protocol'
import { callRoute, type CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import type { OutgoingBody } from '../client/send-request.ts'
import { reopenable, type BlobSource, type ReopenableSource } from './blob-source.ts'
import { hashSource, type HashedSource } from './hash-source.ts'

/** One ping is allowed this long for every MiB sent, beside the time any call may take. */
const msPerMebibyte = 2_000

const toBody = (source: ReopenableSource): OutgoingBody => {
  if (typeof source !== 'function') return source
  return () => {
    const chunks = source()[Symbol.asyncIterator]()
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const next = await chunks.next()
        if (next.done === true) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: async () => {
        await chunks.return?.()
      },
    })
  }
}

/** Uploads a source whose CID is known; the market refuses it unless the bytes are what the CID says. */
export const sendBlob = async (
  connection: Connection,
  source: ReopenableSource,
  { cid, bytes }: HashedSource,
  options: CallOptions = {},
): Promise<void> => {
  const timeoutMs = connection.timeoutMs + Math.ceil(bytes / 2 ** 20) * msPerMebibyte
  await callRoute(connection, putBlobRoute, { params: { cid }, body: toBody(source) }, { timeoutMs, ...options })
}

export const requireSize = (bytes: number, maxBytes: number): void => {
  if (bytes <= maxBytes) return
  throw new MusterError({
    code: 'blob_too_large',
    message: `This blob is larger than the market takes; split it, or use a market with a higher limit.`,
    facts: { expected: `at most ${maxBytes} bytes`, found: `${bytes} bytes` },
  })
}

/**
 * Stores bytes at the market under the SHA-256 of what they are, and gives their CID. Storing them again changes nothing.
 * `maxBytes` refuses a larger source before any of it is sent. Rejects with `blob_too_large`, `disk_full`.
 */
export const putBlob = async (
  connection: Connection,
  source: BlobSource,
  { maxBytes, ...options }: CallOptions & { readonly maxBytes?: number } = {},
): Promise<Cid> => {
  const again = await reopenable(source)
  if (maxBytes !== undefined && again instanceof Blob) requireSize(again.size, maxBytes)
  const hashed = await hashSource(again)
  if (maxBytes !== undefined) requireSize(hashed.bytes, maxBytes)
  await sendBlob(connection, again, hashed, options)
  return hashed.cid
}
