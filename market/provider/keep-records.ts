import { emptyRecord, observe, type Address, type Observation, type ProviderRecord, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'

/** A record and how many observations are in it. */
export interface KnownRecord {
  readonly record: ProviderRecord
  readonly observations: number
}

export const unknownRecord: KnownRecord = { record: emptyRecord, observations: 0 }

/** Records of the providers that were asked for last. */
export interface KeptRecords {
  /** What is in memory, and who is not. */
  find(providers: Iterable<Address>): {
    readonly records: Map<Address, KnownRecord>
    readonly missing: readonly Address[]
  }
  /** Reads records into `into`. Rejects where the store does. */
  load(providers: readonly Address[], into: Map<Address, KnownRecord>): Promise<void>
  /** A write of observations began: what is read from now on may hold them. */
  beginWrite(): void
  /** It ended, and these are new. */
  endWrite(fresh: readonly Observation[]): void
}

export interface KeepRecordsModules {
  readonly world: World
  readonly observations: Pick<Store['observations'], 'newestOf'>
}

/** Observations of one provider that its record is folded from: the newest ones. */
export const mostObservations = 200
const mostRecords = 100_000
/** Providers whose rows are read together: few enough that nothing else waits long for them. */
const readAtOnce = 64
/** After that it is read again, for what other nodes saw. */
const keptMs = 600_000

/** The record of these observations, newest first, as at `now`. */
export const foldObservations = (newestFirst: readonly Observation[], now: number): ProviderRecord =>
  newestFirst.reduceRight((record, seen) => observe(record, seen, now), emptyRecord)

export const keepRecords = ({ world, observations }: KeepRecordsModules): KeptRecords => {
  const known = new Map<Address, KnownRecord & { readonly readAt: number }>()
  /** Counted up as a write begins and ends: what was read across one may lack it or hold it already, and is not kept. */
  let writes = 0

  const remember = (provider: Address, of: KnownRecord, readAt: number): void => {
    known.delete(provider)
    known.set(provider, { ...of, readAt })
    for (const [oldest] of known) {
      if (known.size <= mostRecords) break
      known.delete(oldest)
    }
  }

  const read = async (providers: readonly Address[], into: Map<Address, KnownRecord>): Promise<void> => {
    const before = writes
    const rows = await observations.newestOf(providers, mostObservations)
    const now = world.now()
    for (const provider of providers) {
      const seen = rows.get(provider) ?? []
      const of: KnownRecord = { record: foldObservations(seen, now), observations: seen.length }
      into.set(provider, of)
      if (writes === before && writes % 2 === 0) remember(provider, of, world.elapsed())
    }
  }

  return {
    find: (providers) => {
      const oldest = world.elapsed() - keptMs
      const records = new Map<Address, KnownRecord>()
      const missing: Address[] = []
      for (const provider of new Set(providers)) {
        const kept = known.get(provider)
        if (kept === undefined || kept.readAt < oldest) missing.push(provider)
        else {
          remember(provider, kept, kept.readAt)
          records.set(provider, kept)
        }
      }
      return { records, missing }
    },
    load: async (providers, into) => {
      for (let at = 0; at < providers.length; at += readAtOnce) await read(providers.slice(at, at + readAtOnce), into)
    },
    beginWrite: () => void writes++,
    endWrite: (fresh) => {
      for (const seen of fresh) {
        const kept = known.get(seen.provider)
        if (kept === undefined) continue
        const record = observe(kept.record, seen, world.now())
        known.set(seen.provider, { record, observations: kept.observations + 1, readAt: kept.readAt })
      }
      writes++
    },
  }
}
