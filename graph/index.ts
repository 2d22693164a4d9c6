export { checkInputs, requireInputs, type InputProblem } from './program/check-inputs.ts'
export {
  checkModel,
  checkProgram,
  irVersions,
  type CheckedProgram,
  type ProgramCheck,
} from './program/check-program.ts'
export type { Dim, ValueDeclaration } from './program/declaration.ts'
export { execSpec, execSpecDigest, type ExecSpec } from './program/exec-spec.ts'
export { decodeManifest, encodeManifest, programId, type ProgramManifest } from './program/program-manifest.ts'
export { publishProgram, type PublishedProgram } from './program/publish-program.ts'
export { sayRefusal, type NodeLabel, type Refusal } from './program/refusal.ts'
export {
  buildGraph,
  buildModel,
  buildModelBytes,
  type AttributeInput,
  type GraphInput,
  type ModelInput,
  type NodeInput,
  type ValueInput,
} from './model/build-model.ts'
export { readModel, writeModel } from './model/read-model.ts'
export { modelBounds, scanModel, type ModelBounds } from './model/scan-model.ts'
export {
  findOperator,
  maxOpset,
  operatorNames,
  operatorTableDigest,
  type OperatorVersion,
} from './operator/operator-table.ts'
export { decodeTensor, readTensorHeader } from './tensor/decode-tensor.ts'
export { dtypeNumber, dtypeOfNumber, dtypes, dtypeSize, isDtype, type Dtype } from './tensor/dtype.ts'
export { encodeTensor, type EncodableTensor } from './tensor/encode-tensor.ts'
export type { Tensor, TensorArrays, TensorData, TensorHeader } from './tensor/tensor.ts'
export { tensorDigest } from './tensor/tensor-digest.ts'
export { pinnedVector, vectorDigests, vectorMismatches, type PinnedVector } from './vector/check-vector.ts'
export { vectorProgram, type VectorProgram } from './vector/vector-program.ts'
