import { createHash } from 'node:crypto'
import { parseId, type EntryId, type JobId } from '@muster/protocol'

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const timeDigits = 10
const chanceDigits = 16

/**
 * The id of a job's refund with this number, counted from 0. It follows from both, so that of two refunds that were decided at
 * once, on whatever nodes, one is refused: the entry is there already.
 */
export const refundId = (job: JobId, number: number): EntryId => {
  const digest = createHash('sha256').update(`refund ${number} of ${job}`).digest()
  const chance = [...digest.subarray(0, chanceDigits)].map((byte) => crockford.charAt(byte & 31)).join('')
  const body = job.slice(job.indexOf('_') + 1)
  return parseId('entry', `ent_${body.slice(0, timeDigits)}${chance}`)
}
