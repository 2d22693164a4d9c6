import { attemptId, type AttemptRef, type JobId } from '@muster/protocol'
import { heldJob, type Book } from '../book/book.ts'
import { put, type JournalChange } from '../journal/journal-record.ts'

/** What the journal must be told of fences that the book holds already; at least one. */
export const noteFences = (book: Book, job: JobId, tasks: readonly AttemptRef[]): JournalChange[] => {
  const [first] = tasks
  if (first === undefined) return []
  const id = attemptId(job, first.index, first.fence)
  heldJob(book, job).fenceRecords.push(id)
  return [put({ kind: 'fences', id, job, tasks: tasks.map(({ index, fence }) => ({ index, fence })) })]
}
