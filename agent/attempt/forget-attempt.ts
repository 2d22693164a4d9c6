import type { HeldAttempt } from '../book/book.ts'
import type { AgentContext } from '../context.ts'

/** Lets the blobs an attempt needed leave the cache. */
export const unpinNeeds = ({ blobs }: AgentContext, attempt: HeldAttempt): void => {
  for (const cid of attempt.needs) blobs.unpin(cid)
  attempt.needs = []
}

/** Takes an attempt out of the book and lets its outputs leave the cache. */
export const forgetAttempt = (context: AgentContext, attempt: HeldAttempt): void => {
  const { book, blobs } = context
  unpinNeeds(context, attempt)
  if (book.attempts.get(attempt.id) !== attempt) return
  book.attempts.delete(attempt.id)
  for (const { cid } of attempt.outputs) blobs.unpin(cid)
  attempt.outputs = []
}
