import type { HeldAttempt } from '../book/book.ts'
import type { AgentContext } from '../context.ts'

/** Lets the blobs an attempt needed leave the cache. */
export const unpinNeeds = ({ blobs }: AgentContext, attempt: HeldAttempt): void => {
  if (attempt.needs.length === 0) return
  for (const cid of attempt.needs) blobs.unpin(cid)
  attempt.needs = []
}

/** Takes an attempt that is over out of the book and lets its outputs leave the cache. The journal is told by `strikeOut`. */
export const forgetAttempt = (context: AgentContext, attempt: HeldAttempt): void => {
  const { book, blobs } = context
  unpinNeeds(context, attempt)
  if (book.attempts.get(attempt.id) !== attempt) return
  book.attempts.delete(attempt.id)
  book.attemptsOf.set(attempt.market, (book.attemptsOf.get(attempt.market) ?? 1) - 1)
  attempt.starts.left--
  const { report } = attempt
  if (report !== null && --report.unsettled === 0) book.reports.delete(report)
  if (attempt.outputs.length === 0) return
  for (const { cid } of attempt.outputs) blobs.unpin(cid)
  attempt.outputs = []
}
