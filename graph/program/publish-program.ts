import { cidOf, MusterError, type Cid } from '@muster/protocol'
import { readModel, writeModel } from '../model/read-model.ts'
import { checkModel, type CheckedProgram } from './check-program.ts'
import { execSpecDigest } from './exec-spec.ts'
import { encodeManifest, programId, type ProgramManifest } from './program-manifest.ts'
import { sayRefusal } from './refusal.ts'

export interface PublishedProgram {
  /** The program's id: the CID of its manifest. */
  readonly id: Cid
  readonly manifest: ProgramManifest
  /** The two blobs to store. */
  readonly manifestBytes: Uint8Array
  readonly modelBytes: Uint8Array
  readonly program: CheckedProgram
  /** What was changed in the model, for its publisher; empty where the bytes are the ones given. */
  readonly changes: readonly string[]
}

const maxNamedRefusals = 100
const firstIrVersionOfFreeInputs = 4

/**
 * Makes a program of an ONNX file: checks it (`checkProgram`), takes weights out of the list of inputs where an exporter
 * put them there, and binds it to the exec spec of this release. Nothing is optimised; the published bytes are what runs.
 * Throws `program_refused` with every refusal in `facts.refusals` (the first hundred) and their number in `facts.count`.
 */
export const publishProgram = (modelBytes: Uint8Array): PublishedProgram => {
  const model = readModel(modelBytes)
  const { graph } = model
  const weights = new Set(graph?.initializer.map(({ name }) => name))
  const extra = graph?.input.filter(({ name }) => weights.has(name)) ?? []
  const isChanged = graph !== undefined && extra.length > 0 && model.irVersion >= firstIrVersionOfFreeInputs
  if (isChanged) graph.input = graph.input.filter(({ name }) => !weights.has(name))
  const check = checkModel(model)
  if (!check.ok) {
    const { refusals } = check
    const [first] = refusals
    throw new MusterError({
      code: 'program_refused',
      message: `This model cannot be a program: ${refusals.length} refusal${refusals.length === 1 ? '' : 's'}; the first: ${first === undefined ? '' : sayRefusal(first)}.`,
      facts: { count: refusals.length, refusals: refusals.slice(0, maxNamedRefusals) },
    })
  }
  const published = isChanged ? writeModel(model) : modelBytes
  const { program } = check
  const manifest: ProgramManifest = {
    kind: 'program',
    version: 1,
    model: cidOf(published),
    modelBytes: published.length,
    execSpec: execSpecDigest,
    operators: program.operators,
    inputs: program.inputs,
    outputs: program.outputs,
  }
  const manifestBytes = encodeManifest(manifest)
  const changes = isChanged ? [`${extra.length} weights were taken out of the list of inputs`] : []
  return { id: programId(manifestBytes), manifest, manifestBytes, modelBytes: published, program, changes }
}
