import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { MusterError } from '@muster/protocol'
import { ModelProtoSchema, type ModelProto } from '../generated/onnx_pb.ts'
import { modelBounds, scanModel } from './scan-model.ts'

/**
 * Decodes an ONNX file after `scanModel` has found it within bounds. Fields this schema does not know are kept, and
 * `writeModel` writes them back. Weights are views of the given bytes. Throws `program_refused`.
 */
export const readModel = (bytes: Uint8Array, bounds = modelBounds): ModelProto => {
  scanModel(bytes, bounds)
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw new MusterError({
      code: 'program_refused',
      message: 'This file is not an ONNX model: it does not follow onnx.proto.',
      facts: {
        path: 'model',
        expected: 'a ModelProto',
        found: cause instanceof Error ? cause.message : 'unreadable bytes',
      },
      cause,
    })
  }
}

/** The bytes of a model: known fields in the order of their numbers, then the unknown ones as they came. */
export const writeModel = (model: ModelProto): Uint8Array => toBinary(ModelProtoSchema, model)
