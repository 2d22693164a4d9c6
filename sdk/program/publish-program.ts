import {
  decodeManifest,
  publishProgram as prepareProgram,
  type ProgramManifest,
  type PublishedProgram,
} from '@muster/graph'
import type { Cid } from '@muster/protocol'
import { getBlob } from '../blob/get-blob.ts'
import { putBlobs, type PutBlobsOptions } from '../blob/put-blobs.ts'
import type { CallOptions } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'

/**
 * Checks an ONNX file, makes a program of it and stores its manifest and model at the market. The program's `id` is what a job
 * names. Publishing it again changes nothing. Rejects with `program_refused` (`facts.refusals`), and as `putBlobs`.
 */
export const publishProgram = async (
  connection: Connection,
  modelBytes: Uint8Array,
  options: PutBlobsOptions = {},
): Promise<PublishedProgram> => {
  const published = prepareProgram(modelBytes)
  await putBlobs(connection, [published.modelBytes, published.manifestBytes], options)
  return published
}

const maxManifestBytes = 16 * 2 ** 20

/** A published program's manifest. Rejects with `blob_missing`, `program_refused`. */
export const getProgram = async (
  connection: Connection,
  program: Cid,
  options: CallOptions = {},
): Promise<ProgramManifest> =>
  decodeManifest(await getBlob(connection, program, { ...options, maxBytes: maxManifestBytes }))
