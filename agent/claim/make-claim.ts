import { blobListDigest, type Address, type Claim, type Digest, type Meter, type NamedBlob } from '@muster/protocol'
import type { HeldAttempt } from '../book/book.ts'

const byName = (a: NamedBlob, b: NamedBlob): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
const bare = ({ name, cid }: NamedBlob): NamedBlob => ({ name, cid })

const noInputs = blobListDigest([])

/**
 * What the provider states of an attempt that finished. Outputs are in the order of their names; the fields stand in the
 * order of their canonical form.
 */
export const makeClaim = (
  { id, market, start, outputs }: HeldAttempt,
  provider: Address,
  execSpec: Digest | '',
  run: { readonly meter: Meter; readonly startedAt: number; readonly endedAt: number },
): Claim => ({
  kind: 'claim',
  lease: start.lease,
  meter: run.meter,
  inputs: start.inputs.length === 0 ? noInputs : blobListDigest(start.inputs),
  market,
  attempt: id,
  endedAt: run.endedAt,
  outputs: outputs.length === 0 ? [] : outputs.map(bare).toSorted(byName),
  program: start.program,
  execSpec,
  provider,
  startedAt: run.startedAt,
})
