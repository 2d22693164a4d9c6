import {
  expectReliability,
  type Address,
  type CommittedSpec,
  type LeaseObservation,
  type Log,
  type Observation,
  type ProviderRecord,
  type Reliability,
  type UnitOfWork,
  type World,
} from '@muster/protocol'
import { benchmarkProgram } from '../benchmark/benchmark-desk.ts'
import type { Store } from '../store/store.ts'
import { foldObservations, keepRecords, mostObservations, unknownRecord, type KnownRecord } from './keep-records.ts'
import { createProgramTimes } from './program-times.ts'
import type { MovedWork, TransferTimes } from './transfer-times.ts'
import { createObservationWriter } from './write-observations.ts'

/** A record and the observations it was folded from, newest first. */
export interface ReadRecord {
  readonly record: ProviderRecord
  readonly observations: readonly Observation[]
}

/** What of a job decides how long a unit of it takes. */
export interface KnownWork {
  readonly spec: Pick<CommittedSpec, 'program' | 'runtime'>
  readonly operators: number
}

/** What the market has seen of its providers. */
export interface ProviderRecords {
  /** A lease closed. Said again, it counts once. */
  add(seen: LeaseObservation): void
  /** An agent did not take an order within its offer. */
  refused(provider: Address): void
  /**
   * What to expect of these, of one whose record cannot be read what to expect of an unknown machine; with the time it takes to bring
   * a unit of this job's work there.
   */
  expect(providers: Iterable<Address>, job?: MovedWork): Promise<(provider: Address) => Reliability>
  /** Of each provider, from memory where it was asked for lately; rejects where the store does. */
  look(providers: Iterable<Address>): Promise<ReadonlyMap<Address, KnownRecord>>
  /** As it is durable, with what it rests on. */
  read(provider: Address): Promise<ReadRecord>
  /** One unit of this job's work, as it is known from those who ran its program. */
  workOf(job: KnownWork): UnitOfWork
  /** Writes what is not written yet. Rejects where the store does. */
  flush(): Promise<void>
  /** Learns the times of programs from the newest observations: resolves to the time of the newest one of a lease. */
  recall(): Promise<number | undefined>
  /** Forgets observations that weigh next to nothing. */
  prune(): Promise<void>
}

export interface ProviderRecordsModules {
  readonly world: World
  readonly store: Pick<Store, 'observations'>
  /** Left out, bringing bytes to a machine takes no time. */
  readonly transfers?: TransferTimes
  readonly log: Log
}

const recalled = 5_000
/** Past it an observation has at most a thousandth of its weight in all that is priced. */
const forgetAfterMs = 300 * 86_400_000
/** Of a program that nobody ran. */
const unknownWork = { durationMs: 60_000, startMs: 1_000 }

/**
 * Observations are written beside the jobs they come from; those of leases are found again in the journal after a crash. Records
 * are read when an auction or a person asks for them.
 */
export const createProviderRecords = ({ world, store, transfers, log }: ProviderRecordsModules): ProviderRecords => {
  const { observations } = store
  const times = createProgramTimes()
  const kept = keepRecords({ world, observations })
  const { push, refused, flush } = createObservationWriter({ world, observations, kept, log })

  return {
    add: (seen) => {
      const factors = times.factorsOf(seen)
      times.take(seen)
      push({ ...seen, ...factors })
    },
    refused,
    expect: async (providers, job) => {
      const { records, missing } = kept.find(providers)
      try {
        await kept.load(missing, records)
      } catch (error) {
        log.warn('could not read the records of providers; they count as unknown', { count: missing.length, error })
      }
      const program = job?.spec.program ?? null
      const hasProgram = (provider: Address): boolean => program === null || times.hasRun(program, provider)
      const transferMs = job === undefined ? undefined : await transfers?.of(job, hasProgram)
      const now = world.now()
      return (provider) => {
        const reliability = expectReliability((records.get(provider) ?? unknownRecord).record, now)
        return transferMs === undefined ? reliability : { ...reliability, transferMs: transferMs(provider) }
      }
    },
    look: async (providers) => {
      const { records, missing } = kept.find(providers)
      await kept.load(missing, records)
      return records
    },
    read: async (provider) => {
      const newest = (await observations.newestOf([provider], mostObservations)).get(provider) ?? []
      return { record: foldObservations(newest, world.now()), observations: newest }
    },
    workOf: ({ spec, operators }) => {
      const median = times.medianOf(spec.program ?? spec.runtime)
      return {
        durationMs: median?.durationMs ?? unknownWork.durationMs,
        startMs: median?.startMs ?? unknownWork.startMs,
        operators,
        transferNanoUsd: 0,
        checkpoint: null,
      }
    },
    flush,
    recall: async () => {
      const newest = await observations.newest(recalled)
      for (const seen of newest.toReversed()) times.take(seen)
      return newest.find(({ program }) => program !== '' && program !== benchmarkProgram)?.at
    },
    prune: async () => {
      const forgotten = await observations.prune(world.now() - forgetAfterMs)
      if (forgotten > 0) log.info('forgot old observations of providers', { count: forgotten })
    },
  }
}
