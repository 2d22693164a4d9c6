import { buildModelBytes, encodeTensor, publishProgram, type ValueInput } from '@muster/graph'
import { cidOf, type Cid } from '@muster/protocol'
import type { JobPlan } from '../scenario/scenario.ts'

interface Blob {
  readonly cid: Cid
  readonly bytes: Uint8Array
}

const blobOf = (bytes: Uint8Array): Blob => ({ cid: cidOf(bytes), bytes })

const bytesNamed = (name: string): ValueInput => ({ name, dtype: 'uint8', dims: [''] })

/** A tensor of one axis of so many bytes, `text` in front as far as it fits. */
export const tensorOf = (length: number, text = ''): Uint8Array => {
  const data = new Uint8Array(length).fill(1)
  data.set(new TextEncoder().encode(text).subarray(0, length))
  return encodeTensor({ dtype: 'uint8', dims: [length], data })
}

const inputs = new Map<number, Blob>()

/** The input of this size that all tasks share. */
export const inputOf = (length: number): Blob => {
  const known = inputs.get(length) ?? blobOf(tensorOf(length))
  inputs.set(length, known)
  return known
}

/** A chain of so many operators. */
const makeProgram = (names: readonly string[], operators = 1) => {
  const valueAt = (index: number) => (index === 0 ? 'w' : index === operators ? 'y' : `v${index}`)
  const { id, manifestBytes, modelBytes } = publishProgram(
    buildModelBytes({
      nodes: Array.from({ length: operators }, (_, index) => ({
        op: 'Identity',
        inputs: [valueAt(index)],
        outputs: [valueAt(index + 1)],
      })),
      inputs: names.map(bytesNamed),
      outputs: [bytesNamed('y')],
      weights: { w: { dtype: 'uint8', dims: [1], data: Uint8Array.of(1) } },
    }),
  )
  return { id, blobs: [blobOf(manifestBytes), blobOf(modelBytes)] }
}

const [withoutInput, withInput] = [makeProgram([]), makeProgram(['x'])]
const chains = new Map<number, ReturnType<typeof makeProgram>>()

const chainOf = (operators: number): ReturnType<typeof makeProgram> => {
  const known = chains.get(operators) ?? makeProgram([], operators)
  chains.set(operators, known)
  return known
}

/** The program of a job that has outputs, which is what its tasks are held to: what they do is simulated all the same. */
export const programFor = ({ inputBytes, program, operators = 1 }: JobPlan): ReturnType<typeof makeProgram> | null => {
  if (program.outputBytes === 0) return null
  if (operators > 1) return chainOf(operators)
  return inputBytes === 0 ? withoutInput : withInput
}

/** Every blob that must be there before the job is submitted. */
export const blobsFor = (plan: JobPlan): Blob[] => [
  ...(plan.inputBytes === 0 ? [] : [inputOf(plan.inputBytes)]),
  ...(programFor(plan)?.blobs ?? []),
]
