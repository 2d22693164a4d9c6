import { MusterError, type Cid } from '@muster/protocol'
import { decodeManifest, publishProgram, type ProgramManifest } from '@muster/graph'
import type { BlobStore } from '../blob/blob-store.ts'

/** Programs whose manifest was found to be true of their model. */
export type AdmitProgram = (id: Cid) => Promise<ProgramManifest>

const remembered = 1_000
const maxManifestBytes = 1024 * 1024
/** The model is read into memory to be checked. */
const maxModelBytes = 1024 * 1024 * 1024

/**
 * Checks a program once: its model is published again here and must give the same manifest, so that the operators
 * it is priced by are counted by the market. What came of a model is remembered, a refusal too, whatever manifests name it.
 * Rejects `blob_missing` or `program_refused`.
 */
export const createAdmitProgram = (blobs: BlobStore): AdmitProgram => {
  const admitted = new Map<Cid, Promise<ProgramManifest>>()

  /** By model: the program it is when published here. */
  const published = new Map<Cid, Promise<Cid>>()

  const publish = (model: Cid): Promise<Cid> => {
    const known = published.get(model)
    if (known !== undefined) return known
    const checking = blobs.read(model).then((bytes) => publishProgram(bytes).id)
    published.set(model, checking)
    checking.catch((error: unknown) => {
      if (!(error instanceof MusterError) || error.code !== 'program_refused') published.delete(model)
    })
    if (published.size > remembered) published.delete(published.keys().next().value ?? model)
    return checking
  }

  const admit = async (id: Cid): Promise<ProgramManifest> => {
    const size = await blobs.size(id)
    if (size !== undefined && size > maxManifestBytes)
      throw untrue(id, `at most ${maxManifestBytes} bytes`, `${size} bytes`)
    const manifest = readManifest(id, await blobs.read(id))
    const modelBytes = (await blobs.size(manifest.model)) ?? 0
    if (modelBytes > maxModelBytes) throw untrue(id, `a model of at most ${maxModelBytes} bytes`, `${modelBytes} bytes`)
    const honest = await publish(manifest.model)
    if (honest !== id) throw untrue(id, honest, id)
    return manifest
  }

  return (id) => {
    const known = admitted.get(id)
    if (known !== undefined) return known
    const checking = admit(id)
    admitted.set(id, checking)
    checking.catch(() => admitted.delete(id))
    if (admitted.size > remembered) admitted.delete(admitted.keys().next().value ?? id)
    return checking
  }
}

/** Whatever is wrong with a blob that is named as a program: it is no manifest. */
const readManifest = (program: Cid, bytes: Uint8Array): ProgramManifest => {
  try {
    return decodeManifest(bytes)
  } catch (cause) {
    if (!(cause instanceof MusterError)) throw cause
    throw new MusterError({
      code: 'program_refused',
      message: `This blob is not a program: ${cause.message}`,
      facts: { program, ...cause.facts },
      cause,
    })
  }
}

const untrue = (program: Cid, expected: string, found: string): MusterError =>
  new MusterError({
    code: 'program_refused',
    message: 'The manifest of this program is not true of its model; publish the model again.',
    facts: { program, expected, found },
  })
