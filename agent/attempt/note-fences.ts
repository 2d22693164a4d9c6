import { attemptId, type AttemptRef, type JobId } from '@muster/protocol'
import type { Book } from '../book/book.ts'
import { put, type JournalChange } from '../journal/journal-record.ts'

/** What the journal must be told of fences that came together, which the book holds already; at least one. */
export const noteFences = ({ fenceRecords }: Book, job: JobId, tasks: readonly AttemptRef[]): JournalChange[] => {
  const [first] = tasks
  if (first === undefined) return []
  const id = attemptId(job, first.index, first.fence)
  const records = fenceRecords.get(job)
  if (records === undefined) fenceRecords.set(job, [id])
  else records.push(id)
  return [put({ kind: 'fences', id, job, tasks: [...tasks] })]
}
