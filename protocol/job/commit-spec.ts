import { digestOf, type Digest } from '../digest/digest.ts'
import type { Hex } from '../digest/hex.ts'
import type { JobSpec } from './job-spec.ts'

/**
 * A spec as it is signed for and kept in the journal: in place of its name, which may be about a person, stands a commitment to it.
 * Whoever has name and salt can prove the name; without the salt nobody can find it out by trying names.
 */
export type CommittedSpec = Omit<JobSpec, 'name' | 'nameSalt'> & { readonly nameCommitment: Digest }

/** SHA-256 of the canonical CBOR of `{name, salt}`; the salt has 32 bytes. */
export const commitName = (name: string, salt: Hex): Digest => digestOf({ name, salt })

/** The spec without its name, committed to under this salt. Its digest is what an order names. */
export const commitSpec = (spec: JobSpec, salt: Hex): CommittedSpec => {
  const { name, nameSalt: _, ...rest } = spec
  return { ...rest, nameCommitment: commitName(name, salt) }
}
