import type { JobView } from '@muster/protocol'
import type { Names } from '../personal/names.ts'
import type { JobRow } from '../store/store.ts'
import { jobView } from './job-row.ts'
import type { Jobs } from './jobs.ts'

/** What the API shows of these jobs. */
export const listJobs = async (
  rows: readonly JobRow[],
  { jobs, names }: { readonly jobs: Jobs; readonly names: Pick<Names, 'read'> },
): Promise<JobView[]> => {
  const nameOf = await names.read(rows)
  return rows.map((row) => jobView(row, nameOf.get(row.id) ?? null, jobs.get(row.id)?.peek()?.unmatched ?? null))
}
