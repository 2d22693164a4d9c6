import { parseAttemptId, type Address, type AttemptId, type JobId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import type { JournalChange } from '../journal/journal-record.ts'
import { dropAttempt } from './drop-attempt.ts'
import { noteFences } from './note-fences.ts'
import { pumpLease } from './pump-lease.ts'

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
  const fences = context.book.fences.get(job) ?? new Map<number, number>()
  if ((fences.get(index) ?? 0) >= fence) return []
  context.book.fences.set(job, fences.set(index, fence))
  return noteFences(context.book, job, [{ index, fence }])
}

/** Stops attempts and forgets them. One that has ended keeps being reported until it is settled. */
export const cancelAttempts = (context: AgentContext, market: Address, ids: readonly AttemptId[]): void => {
  const changes: JournalChange[] = []
  for (const id of ids) {
    const attempt = context.book.attempts.get(id)
    if (attempt === undefined) {
      changes.push(...fenceOff(context, market, id))
      continue
    }
    if (attempt.market !== market || (attempt.phase !== 'queued' && attempt.phase !== 'running')) continue
    changes.push(...dropAttempt(context, attempt))
    const lease = context.book.leases.get(attempt.start.lease)
    if (lease !== undefined) pumpLease(context, lease)
  }
  context.writeLater(changes)
}
