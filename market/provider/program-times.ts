import type { Address, LeaseObservation, Observation } from '@muster/protocol'

type Times = Pick<LeaseObservation, 'durationMs' | 'startMs'>

/** What each provider's attempts at each program took last: what a provider's own times are measured against. */
export interface ProgramTimes {
  take(seen: Pick<LeaseObservation, 'program' | 'provider'> & Times): void
  /** The times over the medians of the other providers; null where fewer than two others ran the program. */
  factorsOf(
    seen: Pick<LeaseObservation, 'program' | 'provider'> & Times,
  ): Pick<Observation, 'durationFactor' | 'startFactor'>
  /** Whether the provider is among those that ran the program lately. */
  hasRun(program: string, provider: Address): boolean
  /** Medians over all providers; `undefined` for a program that nobody was measured at. */
  medianOf(program: string): { readonly durationMs: number; readonly startMs: number | undefined } | undefined
}

const mostPrograms = 4_096
const mostProviders = 64
const fewestOthers = 2
const widest = 10
/** Shorter times are those of the link and of how claims are batched: they compare as equal. */
const shortest = { durationMs: 10, startMs: 100 }

const median = (values: readonly number[]): number | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  // Of an even number the geometric mean of the middle two, since factors are compared by their logarithms.
  return low === undefined || high === undefined ? undefined : Math.sqrt(low * high)
}

const present = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null)

/** Holds the programs measured last, and of each the providers measured last. */
export const createProgramTimes = (): ProgramTimes => {
  const programs = new Map<string, Map<Address, Times>>()

  const factor = (own: number | null, others: readonly (number | null)[], least: number): number | null => {
    const known = present(others)
    const middle = median(known)
    if (own === null || middle === undefined || known.length < fewestOthers) return null
    return Math.min(widest, Math.max(1 / widest, Math.max(own, least) / Math.max(middle, least)))
  }

  return {
    take: ({ program, provider, durationMs, startMs }) => {
      if (program === '' || durationMs === null) return
      const byProvider = programs.get(program) ?? new Map<Address, Times>()
      programs.delete(program)
      programs.set(program, byProvider)
      // A lease too short to tell the start-up from the work says nothing against the one before.
      const started = startMs ?? byProvider.get(provider)?.startMs ?? null
      byProvider.delete(provider)
      byProvider.set(provider, { durationMs, startMs: started })
      for (const [oldest] of byProvider) if (byProvider.size > mostProviders) byProvider.delete(oldest)
      for (const [oldest] of programs) if (programs.size > mostPrograms) programs.delete(oldest)
    },
    factorsOf: ({ program, provider, durationMs, startMs }) => {
      const others = [...(programs.get(program) ?? [])]
        .filter(([other]) => other !== provider)
        .map(([, times]) => times)
      return {
        durationFactor: factor(
          durationMs,
          others.map((times) => times.durationMs),
          shortest.durationMs,
        ),
        startFactor: factor(
          startMs,
          others.map((times) => times.startMs),
          shortest.startMs,
        ),
      }
    },
    hasRun: (program, provider) => programs.get(program)?.has(provider) === true,
    medianOf: (program) => {
      const times = [...(programs.get(program)?.values() ?? [])]
      const durationMs = median(present(times.map((each) => each.durationMs)))
      if (durationMs === undefined) return undefined
      return { durationMs, startMs: median(present(times.map((each) => each.startMs))) }
    },
  }
}
