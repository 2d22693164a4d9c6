import type { Address, Observation } from '@muster/protocol'
import type { Observations } from '../store.ts'
import type { MemoryDisk } from './memory-disk.ts'

const newestFirst = (a: Observation, b: Observation): number => b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

export const memoryObservations = (disk: MemoryDisk): Observations => ({
  add: async (seen) => {
    const fresh = seen.filter(({ id }) => !disk.observations.has(id))
    for (const each of fresh) {
      disk.observations.set(each.id, each)
      const others = disk.observationsOf.get(each.provider)
      if (others === undefined) disk.observationsOf.set(each.provider, [each])
      else others.push(each)
    }
    return new Set(fresh.map(({ id }) => id))
  },
  newestOf: async (providers, limit) => {
    const found = new Map<Address, readonly Observation[]>()
    for (const provider of providers) {
      const seen = disk.observationsOf.get(provider) ?? []
      if (seen.length > 0) found.set(provider, seen.toSorted(newestFirst).slice(0, limit))
    }
    return found
  },
  newest: async (limit) => [...disk.observations.values()].toSorted(newestFirst).slice(0, limit),
  prune: async (olderThan) => {
    const old = [...disk.observations.values()].filter(({ at }) => at < olderThan)
    for (const { id } of old) disk.observations.delete(id)
    for (const provider of new Set(old.map((each) => each.provider))) {
      const left = (disk.observationsOf.get(provider) ?? []).filter(({ at }) => at >= olderThan)
      if (left.length > 0) disk.observationsOf.set(provider, left)
      else disk.observationsOf.delete(provider)
    }
    return old.length
  },
})
