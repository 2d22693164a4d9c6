// What a process needs that handles tensor blobs and nothing else: the entry `@muster/graph/tensor`, which loads no
// other package.
export { canonicalizeNan } from './canonical-nan.ts'
export { isDtype, type Dtype } from './dtype.ts'
export { layTensorHead, parseTensor, type Malformation } from './tensor-layout.ts'
export type { Tensor, TensorHeader } from './tensor.ts'
