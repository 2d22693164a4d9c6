import { digestBytes, toHex, type Digest } from '@muster/protocol'
import pinned from './pinned.json' with { type: 'json' }

/** What the outputs of `vectorProgram` are under an exec spec. */
export interface PinnedVector {
  readonly execSpec: string
  /** SHA-256 of the tensor blob of each output, in their order. */
  readonly outputs: readonly { readonly name: string; readonly digest: string }[]
}

/** As measured for the exec spec of this release. */
export const pinnedVector: PinnedVector = pinned

/** Digests of a run's outputs in the vector's order. One that is missing is the digest of nothing. */
export const vectorDigests = (outputs: ReadonlyMap<string, Uint8Array>): Digest[] =>
  pinnedVector.outputs.map(({ name }) => toHex(digestBytes(outputs.get(name) ?? new Uint8Array(0))) as Digest)

/** The outputs that are not the pinned ones, by name; null where nothing was run. */
export const vectorMismatches = (digests: readonly string[]): string[] | null => {
  if (digests.length === 0) return null
  const wrong = pinnedVector.outputs.filter(({ digest }, index) => digests[index] !== digest)
  return wrong.map(({ name }) => name)
}
