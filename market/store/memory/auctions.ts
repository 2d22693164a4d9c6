import { lowestId } from '@muster/protocol'
import { readSummary, readTranscript } from '../../auction/encode-transcript.ts'
import type { Auctions } from '../auction-store.ts'
import type { MemoryDisk } from './memory-disk.ts'

export const memoryAuctions = ({ transcripts }: MemoryDisk): Auctions => ({
  get: async (id) => {
    const row = transcripts.get(id)
    return row === undefined ? undefined : readTranscript(row)
  },
  ofJob: async (job, { limit, after = '' }) =>
    [...transcripts.values()]
      .filter((row) => row.job === job && row.id > after)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(readSummary),
  prune: async (olderThan) => {
    const end = lowestId('auction', Math.max(0, olderThan))
    const old = [...transcripts.values()].filter(({ id, body }) => id < end && body !== null)
    for (const row of old) transcripts.set(row.id, { ...row, body: null })
    return old.length
  },
})
