import { checkInputs, isDtype, readTensorHeader, type TensorHeader, type ValueDeclaration } from '@muster/graph'
import { MusterError, type Cid, type DeclaredOutput, type Job, type NamedBlob } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import { readTensorHead } from '../blob/read-tensor-head.ts'
import type { Inline } from './gather-outputs.ts'

/** What a program declares that no run of it can change: runtimes let extents differ from the declared ones. */
const shapeOf = ({ name, dtype, dims }: DeclaredOutput): ValueDeclaration[] =>
  isDtype(dtype) ? [{ name, dtype, dims: dims === null ? null : dims.map(() => '') }] : []

const refuse = ({ name, cid }: NamedBlob, expected: string, found: string): MusterError =>
  new MusterError({
    code: 'record_invalid',
    message: `The output ${name} is not what the program declares: expected ${expected}, found ${found}.`,
    facts: { field: 'outputs', name, cid, expected, found },
  })

const requireShape = (job: Job, output: NamedBlob, readHead: () => TensorHeader): void => {
  const declared = job.declaredOutputs.find(({ name }) => name === output.name)
  if (declared === undefined) return
  let head: TensorHeader
  try {
    head = readHead()
  } catch (error) {
    if (!(error instanceof MusterError) || error.code !== 'tensor_invalid') throw error
    throw refuse(output, 'a tensor', error.message)
  }
  const [problem] = checkInputs({ inputs: shapeOf(declared) }, new Map([[output.name, head]]))
  if (problem !== undefined) throw refuse(output, `${problem.expected}`, problem.found)
}

/** Looks at the outputs that came inside the message: tensors of the element type and rank declared. Throws `record_invalid`. */
export const requireInlineOutputs = (job: Job, outputs: readonly NamedBlob[], inline: Inline): void => {
  for (const output of outputs) {
    const bytes = inline.get(output.cid)
    if (bytes !== undefined) requireShape(job, output, () => readTensorHeader(bytes))
  }
}

/** The same of those that were fetched, of which it reads the first bytes. Rejects `record_invalid`. */
export const requireHeldOutputs = async (
  job: Job,
  outputs: readonly NamedBlob[],
  held: ReadonlyMap<Cid, number>,
  inline: Inline,
  blobs: BlobStore,
): Promise<void> => {
  for (const output of outputs) {
    const bytes = held.get(output.cid)
    if (inline.has(output.cid) || bytes === undefined) continue
    const head = await readTensorHead(blobs, output.cid)
    requireShape(job, output, () => readTensorHeader(head, bytes))
  }
}
