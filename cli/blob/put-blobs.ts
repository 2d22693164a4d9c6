import { openAsBlob } from 'node:fs'
import path from 'node:path'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { uploadBlobs } from './upload-blobs.ts'

/** `muster blob put` */
export const putBlobs = async (session: Session, files: readonly string[]): Promise<number> => {
  const muster = await session.connect()
  const blobs = await Promise.all(files.map((file) => openAsBlob(path.resolve(session.directory, file))))
  const cids = await uploadBlobs(session, muster, blobs)
  session.progress.stop()
  session.print(
    cids.map((cid, index) => ({ cid, file: files[index], bytes: blobs[index]?.size })),
    () => cids.map((cid, index) => `${cid}  ${files[index]}\n`).join(''),
  )
  return exitCodes.ok
}
