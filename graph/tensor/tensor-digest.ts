import { cidOf, type Cid } from '@muster/protocol'
import { encodeTensor, type EncodableTensor } from './encode-tensor.ts'

/** The digest of a tensor, which is the CID of its blob. */
export const tensorDigest = (tensor: EncodableTensor): Cid => cidOf(encodeTensor(tensor))
