import { MusterError } from '@muster/protocol'
import type { HeldAttempt } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { forgetAttempt } from './forget-attempt.ts'

/** Stops an attempt that the market has given up, and forgets it without a word. The journal is told by `strikeOut`. */
export const dropAttempt = (context: AgentContext, attempt: HeldAttempt): void => {
  context.book.leases.get(attempt.start.lease)?.queue.delete(attempt)
  forgetAttempt(context, attempt)
  attempt.abort.abort(new MusterError({ code: 'cancelled', message: 'This attempt was cancelled.' }))
}
