import { openAsBlob } from 'node:fs'
import path from 'node:path'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatBytes } from '../format/format-bytes.ts'

/** `muster blob put` */
export const putBlobs = async (session: Session, files: readonly string[]): Promise<number> => {
  const muster = await session.connect()
  const { maxBlobBytes } = await muster.market({ signal: session.signal })
  const blobs = await Promise.all(files.map((file) => openAsBlob(path.resolve(session.directory, file))))
  const bar = session.progress.bar('upload', files.length)
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
  session.progress.stop()
  session.print(
    cids.map((cid, index) => ({ cid, file: files[index], bytes: blobs[index]?.size })),
    () => cids.map((cid, index) => `${cid}  ${files[index]}\n`).join(''),
  )
  return exitCodes.ok
}
