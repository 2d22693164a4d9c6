import type { BlobSource, Cid, Muster } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { formatBytes } from '../format/format-bytes.ts'

/** Brings blobs to the market with a bar that says how far it is, and their CIDs in the order given. */
export const uploadBlobs = async (
  session: Session,
  muster: Muster,
  blobs: readonly BlobSource[],
): Promise<readonly Cid[]> => {
  if (blobs.length === 0) return []
  const { maxBlobBytes } = await muster.market({ signal: session.signal })
  const bar = session.progress.bar('upload', blobs.length)
  try {
    const cids = await muster.putBlobs(blobs, {
      signal: session.signal,
      maxBytes: maxBlobBytes,
      onProgress: (at) =>
        bar.update({
          done: at.settled,
          total: at.blobs,
          note: `${formatBytes(at.settledBytes)} of ${formatBytes(at.bytes)}`,
        }),
    })
    bar.succeed()
    return cids
  } catch (error) {
    bar.fail()
    throw error
  }
}
