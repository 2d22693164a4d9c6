import { MusterError, type Cid, type TenantId, type World } from '@muster/protocol'
import { decodeManifest, type ProgramManifest } from '@muster/graph'
import type { BlobStore } from '../blob/blob-store.ts'
import type { CheckModel } from './check-model.ts'

/** Programs whose manifest was found to be true of their model; `tenant` is who names it. */
export type AdmitProgram = (id: Cid, tenant: TenantId) => Promise<ProgramManifest>

export interface AdmitProgramModules {
  readonly world: World
  readonly blobs: BlobStore
  readonly checkModel: CheckModel
}

const remembered = 1_000
/** New models of one tenant that are checked or wait for it. */
const maxPerTenant = 2
const crowdedRetryMs = 5_000
const maxManifestBytes = 1024 * 1024
/** The model is read into memory to be checked. */
const maxModelBytes = 1024 * 1024 * 1024

/**
 * Checks a program once: its model is published again here and must give the same manifest, so that the operators
 * it is priced by are counted by the market. What came of a model is remembered, a refusal too, whatever manifests name it.
 * Rejects `blob_missing`, `program_refused`, `rate_limited` where enough of the tenant's are being checked, or `unavailable`
 * where it cannot be checked now.
 */
export const createAdmitProgram = ({ world, blobs, checkModel }: AdmitProgramModules): AdmitProgram => {
  const admitted = new Map<Cid, Promise<ProgramManifest>>()

  /** By model: the program it is when published here. */
  const published = new Map<Cid, Promise<Cid>>()

  const underCheck = new Map<TenantId, number>()

  const checkFor = async (tenant: TenantId, model: Cid): Promise<Cid> => {
    const count = underCheck.get(tenant) ?? 0
    if (count >= maxPerTenant) throw crowded(model)
    underCheck.set(tenant, count + 1)
    try {
      return await checkModel(model, blobs)
    } finally {
      const left = (underCheck.get(tenant) ?? 1) - 1
      if (left === 0) underCheck.delete(tenant)
      else underCheck.set(tenant, left)
    }
  }

  const publish = (model: Cid, tenant: TenantId): Promise<Cid> => {
    const known = published.get(model)
    if (known !== undefined) return known
    const checking = checkFor(tenant, model)
    published.set(model, checking)
    const forget = () => {
      if (published.get(model) === checking) published.delete(model)
    }
    checking.catch((error: unknown) => {
      if (!(error instanceof MusterError) || error.code !== 'program_refused') return forget()
      // Too slow or too large to check here: it may do later, but not at once.
      if (error.retry === 'later') world.after(error.retryAfterMs ?? 0, forget)
    })
    if (published.size > remembered) published.delete(published.keys().next().value ?? model)
    return checking
  }

  const admit = async (id: Cid, tenant: TenantId): Promise<ProgramManifest> => {
    const size = await blobs.size(id)
    if (size !== undefined && size > maxManifestBytes)
      throw untrue(id, `at most ${maxManifestBytes} bytes`, `${size} bytes`)
    const manifest = readManifest(id, await blobs.read(id))
    const modelBytes = (await blobs.size(manifest.model)) ?? 0
    if (modelBytes > maxModelBytes) throw untrue(id, `a model of at most ${maxModelBytes} bytes`, `${modelBytes} bytes`)
    const honest = await publish(manifest.model, tenant)
    if (honest !== id) throw untrue(id, honest, id)
    return manifest
  }

  return (id, tenant) => {
    const known = admitted.get(id)
    if (known !== undefined) return known
    const checking = admit(id, tenant)
    admitted.set(id, checking)
    checking.catch(() => admitted.delete(id))
    if (admitted.size > remembered) admitted.delete(admitted.keys().next().value ?? id)
    return checking
  }
}

const crowded = (model: Cid): MusterError =>
  new MusterError({
    code: 'rate_limited',
    message: `${maxPerTenant} new programs of yours are being checked already; try again in a moment. Nothing was charged.`,
    facts: { model, expected: `at most ${maxPerTenant} at a time` },
    fault: 'tenant',
    retryAfterMs: crowdedRetryMs,
  })

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
