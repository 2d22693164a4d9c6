import type { Problem } from '@muster/protocol'
import { fromProblem } from '@muster/protocol'
import type { HeldAttempt } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { unpinNeeds } from './forget-attempt.ts'

/** Ends an attempt with a problem, which is reported until the market says it is settled; its workload is stopped. */
export const failAttempt = (context: AgentContext, attempt: HeldAttempt, problem: Problem): void => {
  if (attempt.phase === 'ended' || attempt.phase === 'reported') return
  context.book.leases.get(attempt.start.lease)?.queue.delete(attempt)
  unpinNeeds(context, attempt)
  attempt.phase = 'ended'
  attempt.ending = { problem }
  attempt.abort.abort(fromProblem(problem))
  context.logBook.add(attempt.id, attempt.market, `failed: ${problem.code}: ${problem.message}`)
  context.outbox.add(attempt)
}
