import { formatUsd, parseId } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'
import { sayState, totalTasks } from './show-job.ts'

const columns = [
  { title: 'job' },
  { title: 'name', isFlexible: true },
  { title: 'state' },
  { title: 'tasks', align: 'right' },
  { title: 'charged', align: 'right' },
  { title: 'ceiling', align: 'right' },
  { title: 'submitted', align: 'right' },
] as const

/** `muster job list` */
export const listJobs = async (
  session: Session,
  options: { readonly limit: number; readonly before?: string },
): Promise<number> => {
  const muster = await session.connect()
  const before = options.before === undefined ? {} : { before: parseId('job', options.before) }
  const jobs = await muster.listJobs({ limit: options.limit, ...before }, { signal: session.signal })
  const { style, terminal } = session
  session.print(jobs, () => {
    if (jobs.length === 0) return 'No jobs yet. Submit one with: muster job submit FILE\n'
    const rows = jobs.map((job) => [
      job.id,
      job.name,
      sayState(job, style),
      `${job.counts.accepted + job.counts.final}/${totalTasks(job)}`,
      formatUsd(job.charged),
      formatUsd(job.ceiling),
      formatAge(job.submittedAt, session.now()),
    ])
    return renderTable(columns, rows, { style, width: terminal.stdout.columns })
  })
  return exitCodes.ok
}
