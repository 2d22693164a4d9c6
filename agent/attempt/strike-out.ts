import { attemptId } from '@muster/protocol'
import { heldJob, isLeased, type Book, type HeldReport, type HeldStarts } from '../book/book.ts'
import { forgetOutcomes, forgetStarts, put, type JournalChange } from '../journal/journal-record.ts'
import { noteFences } from './note-fences.ts'

/** The journal's record of attempts taken on together, as they are now. */
export const putStarts = ({ attempts }: Book, starts: HeldStarts): JournalChange => {
  const { id, market, batch } = starts
  const isOver = ({ index, fence }: { readonly index: number; readonly fence: number }): boolean =>
    attempts.get(attemptId(batch.job, index, fence))?.starts !== starts
  const over =
    starts.left === batch.tasks.length ? [] : batch.tasks.flatMap((task, place) => (isOver(task) ? [place] : []))
  return put({ kind: 'starts', id, market, batch, over })
}

/** Enters attempts taken on together into the book. */
export const holdStarts = (book: Book, starts: HeldStarts): void => {
  book.starts.set(starts.id, starts)
  heldJob(book, starts.batch.job).starts++
}

/** A report is of use as long as one of its attempts might be run again after a restart, if it were not known to have ended. */
const forgetReport = (report: HeldReport, starts: HeldStarts): JournalChange[] => {
  report.starts.delete(starts)
  return report.starts.size === 0 ? [forgetOutcomes(report.id)] : []
}

/** Takes attempts taken on together, none of which is left, out of the book with what reported them. Gives what the journal must be told. */
export const releaseStarts = (book: Book, starts: HeldStarts): JournalChange[] => {
  const id = starts.batch.job
  if (book.starts.get(starts.id) !== starts) return []
  book.starts.delete(starts.id)
  const changes = [forgetStarts(starts.id)]
  for (const report of starts.reports) changes.push(...forgetReport(report, starts))
  const job = heldJob(book, id)
  job.starts--
  if (job.starts === 0 && !isLeased(book, id)) book.jobs.delete(id)
  return changes
}

/** As `releaseStarts`, for attempts that were over one by one: their fences stay known while a lease of their job is held. */
const forgetOver = (book: Book, starts: HeldStarts): JournalChange[] => {
  const { job, tasks } = starts.batch
  if (book.starts.get(starts.id) !== starts) return []
  const changes = releaseStarts(book, starts)
  return isLeased(book, job) ? [...changes, ...noteFences(book, job, tasks)] : changes
}

/**
 * What the journal must be told of attempts taken on together some of which are over. Once all are, nothing is kept of them;
 * before, it learns which may not be run again.
 */
export const strikeOut = (book: Book, all: Iterable<HeldStarts>): JournalChange[] => {
  const changes: JournalChange[] = []
  for (const starts of all) {
    if (starts.left === 0) changes.push(...forgetOver(book, starts))
    else changes.push(putStarts(book, starts))
  }
  return changes
}
