import { blobListDigest, type Address, type Claim, type Digest, type Meter, type NamedBlob } from '@muster/protocol'
import type { HeldAttempt } from '../book/book.ts'

const byName = (a: NamedBlob, b: NamedBlob): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
const bare = ({ name, cid }: NamedBlob): NamedBlob => ({ name, cid })

const noInputs = blobListDigest([])

/** What the provider states of an attempt that finished. Outputs are in the order of their names. */
export const makeClaim = (
  { id, market, start, outputs }: HeldAttempt,
  provider: Address,
  execSpec: Digest | '',
  run: { readonly meter: Meter; readonly startedAt: number; readonly endedAt: number },
): Claim => ({
  kind: 'claim',
  market,
  provider,
  lease: start.lease,
  attempt: id,
  program: start.program,
  execSpec,
  inputs: start.inputs.length === 0 ? noInputs : blobListDigest(start.inputs),
  outputs: outputs.map(bare).toSorted(byName),
  ...run,
})
