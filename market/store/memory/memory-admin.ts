import { keyTaken } from '../refusals.ts'
import type { Admin, Denial } from '../admin-store.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { newestFirst } from './page.ts'

const nameOf = ({ kind, subject }: Pick<Denial, 'kind' | 'subject'>): string => `${kind} ${subject}`

const byAge = (a: Denial, b: Denial): number => b.at - a.at || (nameOf(a) < nameOf(b) ? -1 : 1)

export const memoryAdmin = (disk: MemoryDisk): Admin => ({
  addKey: async ({ sha256, ...key }) => {
    if (disk.adminKeys.has(key.id)) throw keyTaken(key.id)
    disk.adminKeys.set(key.id, { key, sha256: Uint8Array.from(sha256) })
  },
  key: async (id) => disk.adminKeys.get(id),
  keys: async () =>
    newestFirst(
      [...disk.adminKeys.values()].map(({ key }) => key),
      ({ id }) => id,
      { limit: Infinity },
    ),
  revokeKey: async (id, at) => {
    const found = disk.adminKeys.get(id)
    if (found === undefined || found.key.revokedAt !== null) return false
    disk.adminKeys.set(id, { ...found, key: { ...found.key, revokedAt: at } })
    return true
  },
  record: async (action) => {
    disk.adminActions.set(action.id, { ...action })
  },
  actions: async (page) => newestFirst(disk.adminActions.values(), ({ id }) => id, page),
  deny: async (denial) => {
    disk.denials.set(nameOf(denial), { ...denial })
  },
  allow: async (target) => disk.denials.delete(nameOf(target)),
  denials: async () => [...disk.denials.values()].toSorted(byAge),
})
