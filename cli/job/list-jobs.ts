import { nodeUrls } from '@muster/protocol'
import { formatUsd, parseId, type JobId, type JobsEverywhere, type JobSomewhere, type JobView } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { sayName } from '../format/say-name.ts'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'
import { sayState, totalTasks } from './show-job.ts'

const columns = [
  { title: 'job' },
  { title: 'name', isFlexible: true },
  { title: 'state' },
  { title: 'tasks', align: 'right' },
  { title: 'charged', align: 'right' },
  { title: 'ceiling', align: 'right', spare: 1 },
  { title: 'submitted', align: 'right' },
] as const

const list = async (
  session: Session,
  query: { readonly limit: number; readonly before?: JobId },
): Promise<{ jobs: readonly (JobView | JobSomewhere)[]; missing: JobsEverywhere['missing']; isOne: boolean }> => {
  const { signal } = session
  if ((await session.contexts()).length > 1)
    return { ...(await (await session.connectAll()).listJobs(query, { signal })), isOne: false }
  const jobs = await (await session.connect()).listJobs(query, { signal })
  return { jobs, missing: [], isOne: true }
}

/** Of several nodes that of the first. */
const hostOf = (urls: string): string => URL.parse(nodeUrls(urls)[0] ?? urls)?.host ?? urls

type Missing = JobsEverywhere['missing'][number]

const sayMissing = ({ market, problem }: Missing) => ({ market, code: problem.code, message: problem.message })

const sayGone = ({ market, problem }: Missing): string =>
  `${market} did not say which jobs are there, and they are missing here: ${problem.message}`

/** `muster job list`: over all markets in use. A market that does not answer is said, and keeps back none of the others. */
export const listJobs = async (
  session: Session,
  options: { readonly limit: number; readonly before?: string },
): Promise<number> => {
  const before = options.before === undefined ? {} : { before: parseId('job', options.before) }
  const { jobs, missing, isOne } = await list(session, { limit: options.limit, ...before })
  const { style, terminal } = session
  session.print(isOne ? jobs : { jobs, missing: missing.map(sayMissing) }, () => {
    const gone = missing.map((each) => `${style.yellow('!')} ${sayGone(each)}\n`).join('')
    if (jobs.length === 0) return `${gone}No jobs yet. Submit one with: muster job submit FILE\n`
    const rows = jobs.map((job) => [
      job.id,
      ...('market' in job ? [hostOf(job.market)] : []),
      sayName(job.name),
      sayState(job, style),
      `${job.counts.accepted + job.counts.final}/${totalTasks(job)}`,
      formatUsd(job.charged),
      formatUsd(job.ceiling),
      formatAge(job.submittedAt, session.now()),
    ])
    const [first, ...rest] = columns
    const titles = isOne ? columns : [first, { title: 'market', isFlexible: true, least: 24 }, ...rest]
    return renderTable(titles, rows, { style, width: terminal.stdout.columns }) + gone
  })
  return exitCodes.ok
}
