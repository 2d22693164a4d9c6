import type { JobId } from '@muster/protocol'
import type { PersonalData } from '../personal-store.ts'
import type { MemoryDisk } from './memory-disk.ts'

export const memoryPersonalData = (disk: MemoryDisk): PersonalData => ({
  key: async (tenant) => disk.personalKeys.get(tenant),
  addKey: async (tenant, sealed) => {
    if (!disk.personalKeys.has(tenant)) disk.personalKeys.set(tenant, sealed)
  },
  erase: async (tenant) => {
    const wasErased = disk.personalKeys.get(tenant) === null
    disk.personalKeys.set(tenant, null)
    for (const text of disk.personalTexts.values()) if (text.tenant === tenant) disk.personalTexts.delete(text.subject)
    return !wasErased
  },
  add: async (text) => {
    if (!disk.personalTexts.has(text.subject)) disk.personalTexts.set(text.subject, text)
  },
  texts: async (subjects) =>
    new Map(
      subjects.flatMap((subject) => {
        const text = disk.personalTexts.get(subject)
        return text === undefined ? [] : [[subject, text.sealed] as const]
      }),
    ),
  dropOfClosed: async (closedBefore) => {
    let dropped = 0
    for (const subject of disk.personalTexts.keys()) {
      const closedAt = disk.jobs.get(subject as JobId)?.closedAt ?? null
      if (closedAt !== null && closedAt < closedBefore && disk.personalTexts.delete(subject)) dropped++
    }
    return dropped
  },
})
