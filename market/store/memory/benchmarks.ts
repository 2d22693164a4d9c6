import type { BenchmarkEntry } from '@muster/protocol'
import type { Benchmarks } from '../store.ts'
import type { MemoryDisk } from './memory-disk.ts'

const newestFirst = (a: BenchmarkEntry, b: BenchmarkEntry): number =>
  b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

export const memoryBenchmarks = (disk: MemoryDisk): Benchmarks => ({
  add: async (entry) => {
    if (disk.benchmarks.has(entry.id)) return false
    disk.benchmarks.set(entry.id, entry)
    return true
  },
  newestOf: async (providers, limit) => {
    const wanted = new Set(providers)
    const rows = [...disk.benchmarks.values()].filter(({ provider }) => wanted.has(provider)).toSorted(newestFirst)
    const byProvider = Map.groupBy(rows, ({ provider }) => provider)
    return new Map([...byProvider].map(([provider, entries]) => [provider, entries.slice(0, limit)]))
  },
  prune: async (olderThan) => {
    const old = [...disk.benchmarks.values()].filter(({ at }) => at < olderThan)
    for (const { id } of old) disk.benchmarks.delete(id)
    return old.length
  },
})
