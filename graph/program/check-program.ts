import { MusterError } from '@muster/protocol'
import type { ModelProto } from '../generated/onnx_pb.ts'
import { modelBounds, type ModelBounds } from '../model/scan-model.ts'
import { readModel } from '../model/read-model.ts'
import { maxOpset } from '../operator/operator-table.ts'
import { checkGraph } from './check-graph.ts'
import { isStandardDomain } from './check-node.ts'
import type { ValueDeclaration } from './declaration.ts'
import { sayName, type Refusal } from './refusal.ts'

export interface CheckedProgram {
  /** Nodes that compute: all but `Constant`, which is data. What a task of the program is priced by. */
  readonly operators: number
  /** In the order of the model, weights left out. */
  readonly inputs: readonly ValueDeclaration[]
  readonly outputs: readonly ValueDeclaration[]
  /** Version of each operator set the model imports; `''` is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>
  readonly irVersion: number
}

export type ProgramCheck =
  | { readonly ok: true; readonly program: CheckedProgram }
  | { readonly ok: false; readonly refusals: readonly Refusal[] }

/** Versions of the file format that the pinned engine reads. */
export const irVersions = { min: 3, max: 13 } as const
const minOpset = 7

/**
 * Whether a model can be a program: within bounds, of whitelisted operators whose kernels take its element types
 * without hidden casts, complete in one file, in order. Every refusal is named, not only the first. Never throws.
 */
export const checkProgram = (modelBytes: Uint8Array, bounds: ModelBounds = modelBounds): ProgramCheck => {
  try {
    return checkModel(readModel(modelBytes, bounds))
  } catch (error) {
    if (!(error instanceof MusterError)) throw error
    return { ok: false, refusals: [{ path: 'model', why: error.message }] }
  }
}

/** `checkProgram` for a model already read. */
export const checkModel = (model: ModelProto): ProgramCheck => {
  const refusals: Refusal[] = []
  const irVersion = Number(model.irVersion)
  if (irVersion < irVersions.min || irVersion > irVersions.max) {
    refusals.push({
      path: 'irVersion',
      why: `the file format's version is ${irVersion}; the engine reads ${irVersions.min} to ${irVersions.max}`,
    })
  }
  const opsets = new Map<string, number>()
  for (const { domain, version } of model.opsetImport) {
    const name = isStandardDomain(domain) ? '' : domain
    if (opsets.has(name))
      refusals.push({ path: 'opsetImport', why: `the operator set of "${sayName(name)}" is imported twice` })
    opsets.set(name, Number(version))
  }
  const opset = opsets.get('')
  if (opset === undefined || opset < minOpset || opset > maxOpset) {
    refusals.push({
      path: 'opsetImport',
      why: `ONNX's operator set is imported in version ${opset ?? 'none'}; expected ${minOpset} to ${maxOpset}`,
    })
  }
  if (model.functions.length > 0) {
    refusals.push({
      path: 'functions',
      why: `the model defines ${model.functions.length} functions of its own; inline them`,
    })
  }
  if (model.graph === undefined) {
    refusals.push({ path: 'graph', why: 'the file holds no graph; is it an ONNX model?' })
    return { ok: false, refusals }
  }
  const { operators, inputs, outputs, refusals: found } = checkGraph(model.graph, opset ?? maxOpset, irVersion)
  refusals.push(...found)
  if (refusals.length > 0) return { ok: false, refusals }
  return { ok: true, program: { operators, inputs, outputs, opsets: Object.fromEntries(opsets), irVersion } }
}
