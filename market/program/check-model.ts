import { publishProgram } from '@muster/graph'
import type { Cid } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'

/**
 * Reads a stranger's model, checks it and publishes it again: the id of the program it is. Rejects `blob_missing`,
 * `program_refused`, or `unavailable` where it could not be checked now.
 */
export type CheckModel = (model: Cid, blobs: BlobStore) => Promise<Cid>

/** In this thread, which stands still meanwhile: where time is virtual, so that every run goes alike. */
export const checkModelHere: CheckModel = async (model, blobs) => publishProgram(await blobs.read(model)).id
