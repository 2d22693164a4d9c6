import type { Observation } from '@muster/protocol'
import type { Observations } from '../store.ts'
import type { MemoryDisk } from './memory-disk.ts'

const newestFirst = (a: Observation, b: Observation): number => b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

export const memoryObservations = (disk: MemoryDisk): Observations => ({
  add: async (seen) => {
    const fresh = seen.filter(({ id }) => !disk.observations.has(id))
    for (const each of fresh) disk.observations.set(each.id, each)
    return new Set(fresh.map(({ id }) => id))
  },
  newestOf: async (providers, limit) => {
    const wanted = new Set(providers)
    const rows = [...disk.observations.values()].filter(({ provider }) => wanted.has(provider)).toSorted(newestFirst)
    const byProvider = Map.groupBy(rows, ({ provider }) => provider)
    return new Map([...byProvider].map(([provider, seen]) => [provider, seen.slice(0, limit)]))
  },
  newest: async (limit) => [...disk.observations.values()].toSorted(newestFirst).slice(0, limit),
  prune: async (olderThan) => {
    const old = [...disk.observations.values()].filter(({ at }) => at < olderThan)
    for (const { id } of old) disk.observations.delete(id)
    return old.length
  },
})
