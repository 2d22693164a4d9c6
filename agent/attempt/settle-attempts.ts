import type { Address, AttemptId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import { forgetAttempt as forgetRecord, type JournalChange } from '../journal/journal-record.ts'
import { dropAttempt } from './drop-attempt.ts'
import { forgetAttempt } from './forget-attempt.ts'

/** Forgets attempts whose outcome is durable at the market: outputs may leave the cache, and what still runs is stopped. */
export const settleAttempts = (context: AgentContext, market: Address, ids: readonly AttemptId[]): void => {
  const changes: JournalChange[] = []
  for (const id of ids) {
    const attempt = context.book.attempts.get(id)
    if (attempt === undefined || attempt.market !== market) continue
    if (attempt.phase === 'queued' || attempt.phase === 'running') changes.push(...dropAttempt(context, attempt))
    else {
      forgetAttempt(context, attempt)
      changes.push(forgetRecord(id))
    }
  }
  context.writeAlong(changes)
  context.outbox.settled()
}
