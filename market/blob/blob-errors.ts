import { MusterError, type Cid } from '@muster/protocol'

export const blobMissing = (cid: Cid): MusterError =>
  new MusterError({
    code: 'blob_missing',
    message: 'The market does not hold this blob; upload it first.',
    facts: { cid },
  })

export const blobTooLarge = (cid: Cid, maxBytes: number): MusterError =>
  new MusterError({
    code: 'blob_too_large',
    message: `This blob is larger than the market takes (${maxBytes} bytes); nothing of it was kept.`,
    facts: { cid, expected: `at most ${maxBytes} bytes`, found: `more than ${maxBytes} bytes` },
  })

export const blobCorrupt = (cid: Cid, found: Cid): MusterError =>
  new MusterError({
    code: 'blob_corrupt',
    message: 'The bytes that arrived are not the blob they were sent as; send them again.',
    facts: { expected: cid, found },
  })
