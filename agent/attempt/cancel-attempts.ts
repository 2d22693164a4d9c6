import { parseAttemptId, type Address, type AttemptId, type JobId } from '@muster/protocol'
import { heldJob, type HeldStarts } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import type { JournalChange } from '../journal/journal-record.ts'
import { dropAttempt } from './drop-attempt.ts'
import { noteFences } from './note-fences.ts'
import { pumpLease } from './pump-lease.ts'
import { strikeOut } from './strike-out.ts'

const holdsJob = ({ book }: AgentContext, market: Address, job: JobId): boolean => {
  for (const { signed } of book.leases.values()) {
    if (signed.record.job === job && signed.record.market === market) return true
  }
  return false
}

/** Remembers an attempt that was cancelled before its start came, so that a late start finds it fenced. */
const fenceOff = (context: AgentContext, market: Address, id: AttemptId): JournalChange[] => {
  const name = parseAttemptId(id)
  if (name === undefined || !holdsJob(context, market, name.job)) return []
  const { job, index, fence } = name
  const { fences } = heldJob(context.book, job)
  if ((fences.get(index) ?? 0) >= fence) return []
  fences.set(index, fence)
  return noteFences(context.book, job, [{ index, fence }])
}

/** Stops attempts and forgets them. One that has ended keeps being reported until it is settled. */
export const cancelAttempts = (context: AgentContext, market: Address, ids: readonly AttemptId[]): void => {
  const changes: JournalChange[] = []
  const touched = new Set<HeldStarts>()
  for (const id of ids) {
    const attempt = context.book.attempts.get(id)
    if (attempt === undefined) {
      changes.push(...fenceOff(context, market, id))
      continue
    }
    if (attempt.market !== market || (attempt.phase !== 'queued' && attempt.phase !== 'running')) continue
    dropAttempt(context, attempt)
    touched.add(attempt.starts)
    const lease = context.book.leases.get(attempt.start.lease)
    if (lease !== undefined) pumpLease(context, lease)
  }
  context.writeLater([...strikeOut(context.book, touched), ...changes])
}
