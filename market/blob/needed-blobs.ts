import { decodeManifest } from '@muster/graph'
import type { Address, Cid, CommittedSpec, Job } from '@muster/protocol'
import type { BlobStore } from './blob-store.ts'

export interface NeededBlobsModules {
  readonly blobs: BlobStore
  /** The jobs a provider holds leases of. */
  readonly jobsOf: (provider: Address) => Iterable<Job>
}

/** Whether a job that the provider holds a lease of reads the blob. */
export const createNeededBlobs = ({ blobs, jobsOf }: NeededBlobsModules) => {
  const needed = new WeakMap<CommittedSpec, Promise<ReadonlySet<Cid>>>()

  const neededFor = ({ spec }: Job): Promise<ReadonlySet<Cid>> => {
    const known = needed.get(spec)
    if (known !== undefined) return known
    const reading = readNeeded(spec)
    needed.set(spec, reading)
    reading.catch(() => needed.delete(spec))
    return reading
  }

  /** What the tasks of a job read: their inputs, the program, and its model. */
  const readNeeded = async ({ program, tasks }: CommittedSpec): Promise<ReadonlySet<Cid>> => {
    const cids = new Set(tasks.flatMap(({ inputs }) => inputs.map(({ cid }) => cid)))
    if (program !== null) cids.add(program).add(decodeManifest(await blobs.read(program)).model)
    return cids
  }

  return async (provider: Address, cid: Cid): Promise<boolean> => {
    for (const job of jobsOf(provider)) if ((await neededFor(job)).has(cid)) return true
    return false
  }
}
