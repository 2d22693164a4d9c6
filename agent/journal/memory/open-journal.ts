import { MusterError, type Address } from '@muster/protocol'
import { decodeRecord, encodeRecord } from '../journal-record.ts'
import type { Journal } from '../journal.ts'
import { requireEpoch } from '../require-epoch.ts'

/** The journal in memory: it outlives an agent that is stopped, so that a simulated crash can be followed by a restart. */
export const openMemoryJournal = (): Journal => {
  const rows = new Map<string, Uint8Array>()
  const epochs = new Map<Address, number>()
  let isClosed = false

  const requireOpen = (): void => {
    if (isClosed) throw new MusterError({ code: 'unavailable', message: 'The journal is closed.', fault: 'machine' })
  }

  return {
    load: async () => {
      requireOpen()
      return [...rows].map(([key, bytes]) => decodeRecord(key, bytes))
    },
    commit: async (changes) => {
      requireOpen()
      const encoded = changes.map((change) => (change.type === 'put' ? encodeRecord(change.record) : undefined))
      changes.forEach((change, index) => {
        const bytes = encoded[index]
        if (change.type === 'forget') rows.delete(`${change.kind}:${change.id}`)
        else if (bytes !== undefined) rows.set(`${change.record.kind}:${change.record.id}`, bytes)
      })
    },
    nextEpoch: async (market, atLeast) => {
      requireOpen()
      const epoch = requireEpoch(Math.max((epochs.get(market) ?? 0) + 1, atLeast))
      epochs.set(market, epoch)
      return epoch
    },
    close: async () => {
      isClosed = true
    },
  }
}
