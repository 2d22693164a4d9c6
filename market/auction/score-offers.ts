import { decodeManifest } from '@muster/graph'
import { rankEffective, type Cid, type CommittedSpec, type ScoredOffer, type SignedOffer } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'
import type { ProviderRecords } from '../provider/provider-records.ts'

export interface ScoreOffersModules {
  readonly records: Pick<ProviderRecords, 'expect' | 'workOf'>
  readonly blobs: Pick<BlobStore, 'read' | 'size'>
}

/** Operators of a program the market holds; 0 of one it does not. */
const operatorsOf = async (program: Cid | null, { blobs }: ScoreOffersModules): Promise<number> => {
  if (program === null || (await blobs.size(program)) === undefined) return 0
  return decodeManifest(await blobs.read(program)).operators
}

/** Offers by the rule `effective` for one task of this work, best first, as an auction would have them before it asks. */
export const scoreOffers = async (
  offers: readonly SignedOffer[],
  wanted: Pick<CommittedSpec, 'program' | 'runtime' | 'slots'>,
  modules: ScoreOffersModules,
): Promise<ScoredOffer[]> => {
  const { records } = modules
  const spec = { ...wanted, tasks: [] }
  const work = records.workOf({ spec, operators: await operatorsOf(wanted.program, modules) })
  const reliabilityOf = await records.expect(
    offers.map(({ record }) => record.provider),
    { spec },
  )
  return rankEffective(offers, reliabilityOf, work)
}
