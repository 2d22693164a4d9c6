import { MusterError, type Cid } from '@muster/protocol'

export const corruptBlob = (cid: Cid, found: Cid): MusterError =>
  new MusterError({
    code: 'blob_corrupt',
    message: 'These bytes are not the blob they should be; send it again.',
    facts: { expected: cid, found },
  })

export const oversizedBlob = (cid: Cid, maxBytes: number, bytes: number): MusterError =>
  new MusterError({
    code: 'blob_too_large',
    message: 'This blob is larger than the whole blob cache of this machine.',
    facts: { cid, maxBytes, bytes },
  })

export const fullCache = (cid: Cid, maxBytes: number, pinnedBytes: number, cause?: unknown): MusterError =>
  new MusterError({
    code: 'disk_full',
    message: 'This machine has no room left for the blobs of its running work; try another.',
    facts: { cid, maxBytes, pinnedBytes },
    cause,
  })

export const missingBlob = (cid: Cid): MusterError =>
  new MusterError({ code: 'blob_missing', message: 'This machine does not have this blob.', facts: { cid } })
