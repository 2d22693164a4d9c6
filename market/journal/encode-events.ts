import { canonicalEvent, decodeCanonical, encodeCanonical, restoreEvent, type JobEvent } from '@muster/protocol'
import type { StoredEvent } from '../store/store.ts'

/** The events of one append as the journal keeps them: one canonical CBOR array. */
export const encodeEvents = (events: readonly JobEvent[]): Uint8Array => encodeCanonical(events.map(canonicalEvent))

/** The events of one row; `version` is the number of events before it. */
export const decodeEvents = (version: number, bytes: Uint8Array): StoredEvent[] => {
  const decoded = decodeCanonical(bytes) as readonly unknown[]
  return decoded.map((event, index) => ({ version: version + index, event: restoreEvent(event) }))
}
