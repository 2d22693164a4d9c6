import type { Address } from '@muster/protocol'
import type { HeldAttempt } from '../book/book.ts'

/**
 * Attempts to a commit of the journal and to a signature, so that the market has something to do while the next ones are
 * run and written.
 */
export const reportedAtOnce = 128
/** Small outputs of a message; an attempt that brings more has one of its own. */
const maxInlineBytes = 2 ** 20
const maxInlineBlobs = 4096

const inlineBytesOf = ({ outputs }: HeldAttempt): number =>
  outputs.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)

/** Attempts in the groups in which they are reported: each of one market, and no more than fits a message. */
export const groupAttempts = (attempts: readonly HeldAttempt[]): HeldAttempt[][] => {
  const groups: HeldAttempt[][] = []
  const open = new Map<Address, { readonly group: HeldAttempt[]; bytes: number; blobs: number }>()
  for (const attempt of attempts) {
    const bytes = inlineBytesOf(attempt)
    const blobs = attempt.outputs.length
    const current = open.get(attempt.market)
    if (current !== undefined && current.bytes + bytes <= maxInlineBytes && current.blobs + blobs <= maxInlineBlobs) {
      current.group.push(attempt)
      current.bytes += bytes
      current.blobs += blobs
      continue
    }
    const group = [attempt]
    groups.push(group)
    open.set(attempt.market, { group, bytes, blobs })
  }
  return groups
}
