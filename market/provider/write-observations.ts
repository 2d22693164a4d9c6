import type { Address, Log, Observation, Timer, World } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { KeptRecords } from './keep-records.ts'

/** Writes observations in groups, a second late, so that nothing waits for them. */
export interface ObservationWriter {
  push(seen: Observation): void
  /** Counts a refusal; those of a minute are one observation. */
  refused(provider: Address): void
  /** Writes what is not written yet. Rejects where the store does, and keeps it. */
  flush(): Promise<void>
}

export interface WriteObservationsModules {
  readonly world: World
  readonly observations: Pick<Store['observations'], 'add'>
  readonly kept: Pick<KeptRecords, 'beginWrite' | 'endWrite'>
  readonly log: Log
}

const mostPending = 10_000
const flushAfterMs = 1_000
const refusalsEveryMs = 60_000

const nothingRun = {
  program: '',
  honoured: 0,
  exposureMs: 0,
  outages: 0,
  succeeded: 0,
  failed: 0,
  matched: 0,
  mismatched: 0,
  durationMs: null,
  startMs: null,
  durationFactor: null,
  startFactor: null,
} as const

export const createObservationWriter = ({
  world,
  observations,
  kept,
  log,
}: WriteObservationsModules): ObservationWriter => {
  const refusals = new Map<Address, number>()
  let pending = new Map<string, Observation>()
  let flushTimer: Timer | undefined
  let refusalTimer: Timer | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = async (): Promise<void> => {
    const rows = [...pending.values()]
    if (rows.length === 0) return
    pending = new Map()
    let fresh: readonly Observation[] = []
    kept.beginWrite()
    try {
      const added = await observations.add(rows)
      fresh = rows.filter(({ id }) => added.has(id))
    } catch (error) {
      pending = new Map([...rows.map((seen) => [seen.id, seen] as const), ...pending])
      throw error
    } finally {
      kept.endWrite(fresh)
    }
  }

  const flush = (): Promise<void> => {
    const done = writing.then(write)
    writing = done.catch(() => {})
    return done
  }

  const flushLater = (): void => {
    flushTimer ??= world.after(flushAfterMs, () => {
      flushTimer = undefined
      flush().catch((error: unknown) => {
        log.warn('could not write what was seen of providers; trying again', { pending: pending.size, error })
        flushLater()
      })
    })
  }

  const push = (seen: Observation): void => {
    pending.set(seen.id, seen)
    for (const [oldest] of pending) {
      if (pending.size <= mostPending) break
      pending.delete(oldest)
    }
    flushLater()
  }

  const pushRefusals = (): void => {
    const at = world.now()
    for (const [provider, refused] of refusals)
      push({ id: `refusals.${provider}.${at}`, provider, at, refused, ...nothingRun })
    refusals.clear()
  }

  return {
    push,
    refused: (provider) => {
      refusals.set(provider, (refusals.get(provider) ?? 0) + 1)
      refusalTimer ??= world.after(refusalsEveryMs, () => {
        refusalTimer = undefined
        pushRefusals()
      })
    },
    flush: () => {
      pushRefusals()
      return flush()
    },
  }
}
