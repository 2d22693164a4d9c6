import { inlineBlobBytes, type Cid, type StartBatch, type Starts } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'

/** Attempts of a lease in messages of bounded size, with the small ones of their inputs. */
export type PackStarts = (batch: StartBatch, bounds?: PackBounds) => AsyncIterable<Starts>

/** Of one message. A single attempt may need more bytes, and goes alone then. */
export interface PackBounds {
  readonly bytes: number
  readonly tasks: number
}

type StartTask = StartBatch['tasks'][number]

const messageBounds: PackBounds = { bytes: 1024 * 1024, tasks: 256 }
const roughTaskBytes = 50
const roughInputBytes = 80

/** Bytes of the blobs that come along. */
export const blobBytesOf = ({ blobs }: Starts): number => blobs.reduce((sum, { length }) => sum + length, 0)

const roughSize = ({ inputs }: StartTask): number =>
  inputs.reduce((sum, { name }) => sum + roughInputBytes + 4 * name.length, roughTaskBytes)

export const createPackStarts = ({ blobs }: { readonly blobs: BlobStore }): PackStarts => {
  /** What cannot be read here the agent asks for, and is told why it does not get it. */
  const readSmall = async (cid: Cid): Promise<Uint8Array | undefined> => {
    try {
      const size = await blobs.size(cid)
      return size === undefined || size > inlineBlobBytes ? undefined : await blobs.read(cid)
    } catch {
      return undefined
    }
  }

  return async function* (batch, bounds = messageBounds) {
    let tasks: StartTask[] = []
    let inline = new Map<Cid, Uint8Array>()
    let bytes = 0
    for (const [at, task] of batch.tasks.entries()) {
      for (const { cid } of task.inputs) {
        if (inline.has(cid)) continue
        const blob = await readSmall(cid)
        if (blob === undefined) continue
        inline.set(cid, blob)
        bytes += blob.length
      }
      tasks.push(task)
      bytes += roughSize(task)
      if (bytes < bounds.bytes && tasks.length < bounds.tasks && at + 1 < batch.tasks.length) continue
      yield { batches: [{ ...batch, tasks }], blobs: [...inline.values()] }
      tasks = []
      inline = new Map()
      bytes = 0
    }
  }
}
