import type { JobId } from '@muster/protocol'
import type { Nodes } from '../node-store.ts'
import type { MemoryDisk } from './memory-disk.ts'

export const memoryNodes = (disk: MemoryDisk): Nodes => {
  const ownerless = (): JobId[] =>
    [...disk.activeJobs.keys()].filter((id) => !disk.nodes.has(disk.owners.get(id) ?? '')).toSorted()

  return {
    enter: async (node) => {
      for (const { id, name } of disk.nodes.values()) if (name === node.name) disk.nodes.delete(id)
      disk.nodes.set(node.id, { ...node, beat: 0 })
    },
    beat: async (id, { links, jobs }) => {
      const row = disk.nodes.get(id)
      if (row === undefined) return false
      disk.nodes.set(id, { ...row, links, jobs, beat: row.beat + 1 })
      return true
    },
    list: async () => [...disk.nodes.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    remove: async (id, beat) => {
      if (beat !== undefined && disk.nodes.get(id)?.beat !== beat) return false
      return disk.nodes.delete(id)
    },
    claim: async (id, limit) => {
      if (!disk.nodes.has(id)) return []
      const claimed = ownerless().slice(0, limit)
      for (const job of claimed) disk.owners.set(job, id)
      return claimed
    },
    ownersOf: async (jobs) =>
      new Map(
        jobs.filter((job) => disk.jobs.get(job)?.phase === 'active').map((job) => [job, disk.owners.get(job) ?? '']),
      ),
    facts: async () => new Map(disk.facts),
    setFact: async (name, fact) => {
      if (fact === undefined) disk.facts.delete(name)
      else disk.facts.set(name, fact)
    },
  }
}
