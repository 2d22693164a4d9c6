import { inlineBlobBytes, type Cid } from '@muster/protocol'
import type { BlobCache } from '../blob/blob-cache.ts'
import type { Book, HeldOutput, HeldReport } from '../book/book.ts'
import type { Markets } from '../market/markets.ts'

export interface SendOutcomesModules {
  readonly book: Book
  readonly markets: Markets
  readonly blobs: BlobCache
}

const inlineOf = async (output: HeldOutput, blobs: BlobCache): Promise<Uint8Array | undefined> => {
  const { bytes } = output
  output.bytes = null
  if (bytes !== null) return bytes
  if ((blobs.size(output.cid) ?? Infinity) > inlineBlobBytes) return undefined
  return blobs.read(output.cid)
}

/** The small outputs of those attempts of a report that are not settled. */
const inlineOutputs = async ({ attempts }: HeldReport, { book, blobs }: SendOutcomesModules): Promise<Uint8Array[]> => {
  const inline = new Map<Cid, Uint8Array>()
  for (const attempt of attempts) {
    if (attempt.outputs.length === 0 || book.attempts.get(attempt.id) !== attempt) continue
    for (const output of attempt.outputs) {
      if (inline.has(output.cid)) continue
      const bytes = await inlineOf(output, blobs)
      if (bytes !== undefined) inline.set(output.cid, bytes)
    }
  }
  return [...inline.values()]
}

/** Sends a market how attempts ended: always the same claims under the same signature, small outputs along with them. */
export const sendOutcomes = async (report: HeldReport, modules: SendOutcomesModules): Promise<void> => {
  const { markets } = modules
  const { market, claims, failures } = report
  if (failures.length > 0) markets.send(market, { type: 'failures', failures })
  if (claims === null) return
  const blobs = await inlineOutputs(report, modules)
  markets.send(market, { type: 'claims', batches: [claims], blobs })
}
