import { decodeManifest } from '@muster/graph'
import type { Address, Cid, CommittedSpec, Log } from '@muster/protocol'
import type { BlobStore } from '../blob/blob-store.ts'

/** What one unit of a job's work moves. */
interface UnitBytes {
  /** The unit's share of the program: a slot fetches it once for all its tasks. */
  readonly program: number
  /** Inputs of one task. */
  readonly inputs: number
}

/** What of a job decides what is moved for it. */
export interface MovedWork {
  readonly spec: Pick<CommittedSpec, 'program' | 'slots' | 'tasks'>
}

/** How long bringing a job's bytes to a provider takes. */
export interface TransferTimes {
  /** For one unit, in ms, from each provider; those that ran the program lately hold it. */
  of(job: MovedWork, hasProgram: (provider: Address) => boolean): Promise<(provider: Address) => number>
}

export interface TransferTimesModules {
  readonly blobs: Pick<BlobStore, 'read' | 'size'>
  /** As measured, megabits a second to the machine; `undefined` where it was not. */
  readonly downMbpsOf: (provider: Address) => number | undefined
  readonly log: Log
}

/** Of a machine that was never measured. */
const unknownMbps = 100
/** Tasks whose inputs are looked at: a job's are mostly alike. */
const sampledTasks = 16

const bitsPerByte = 8

export const createTransferTimes = ({ blobs, downMbpsOf, log }: TransferTimesModules): TransferTimes => {
  const known = new WeakMap<MovedWork['spec'], Promise<UnitBytes>>()

  const sizeOf = async (cid: Cid): Promise<number> => (await blobs.size(cid)) ?? 0

  const measure = async ({ program, tasks, slots }: MovedWork['spec']): Promise<UnitBytes> => {
    const sample = tasks.slice(0, sampledTasks)
    let inputs = 0
    for (const task of sample) for (const { cid } of task.inputs) inputs += await sizeOf(cid)
    const tasksPerSlot = Math.max(1, tasks.length / slots)
    if (program === null) return { program: 0, inputs: inputs / Math.max(1, sample.length) }
    const manifest = await blobs.read(program)
    const programBytes = manifest.length + decodeManifest(manifest).modelBytes
    return { program: programBytes / tasksPerSlot, inputs: inputs / Math.max(1, sample.length) }
  }

  const bytesOf = (spec: MovedWork['spec']): Promise<UnitBytes> => {
    const found = known.get(spec)
    if (found !== undefined) return found
    const measuring = measure(spec).catch((error: unknown) => {
      log.info('could not tell how large what a job needs is; transfers count nothing', { error })
      known.delete(spec)
      return { program: 0, inputs: 0 }
    })
    known.set(spec, measuring)
    return measuring
  }

  return {
    of: async ({ spec }, hasProgram) => {
      const bytes = await bytesOf(spec)
      return (provider) => {
        const moved = bytes.inputs + (hasProgram(provider) ? 0 : bytes.program)
        return (moved * bitsPerByte) / (Math.max(0.001, downMbpsOf(provider) ?? unknownMbps) * 1000)
      }
    },
  }
}
