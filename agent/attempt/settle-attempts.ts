import type { Address, AttemptId } from '@muster/protocol'
import type { HeldStarts } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { dropAttempt } from './drop-attempt.ts'
import { forgetAttempt } from './forget-attempt.ts'
import { strikeOut } from './strike-out.ts'

/**
 * Forgets attempts whose outcome is durable at the market: outputs may leave the cache, and what still runs is stopped.
 * The journal hears of it when all that were taken on together are over, or where it does not know how one ended.
 */
export const settleAttempts = (context: AgentContext, market: Address, ids: readonly AttemptId[]): void => {
  const touched = new Set<HeldStarts>()
  let claims = 0
  for (const id of ids) {
    const attempt = context.book.attempts.get(id)
    if (attempt === undefined || attempt.market !== market) continue
    if (attempt.phase === 'reported' && attempt.ending !== null && 'claim' in attempt.ending) claims++
    if (attempt.phase === 'queued' || attempt.phase === 'running') dropAttempt(context, attempt)
    else forgetAttempt(context, attempt)
    if (attempt.report === null || attempt.starts.left === 0) touched.add(attempt.starts)
  }
  if (claims > 0) context.marketRecords.settled(market, claims)
  context.writeAlong(strikeOut(context.book, touched))
  context.outbox.settled()
}
