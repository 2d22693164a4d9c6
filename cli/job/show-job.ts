import { formatUsd, type JobView, type Muster, type TaskView } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { sayAmounts } from '../error/say-amounts.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { shorten } from '../format/format-record.ts'
import { sayName } from '../format/say-name.ts'
import { formatAge } from '../format/format-time.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Style } from '../terminal/style.ts'
import { printable } from '../terminal/text-width.ts'
import { parseJobId } from './parse-ids.ts'
import { sayCounts, sayPhase } from './say-phase.ts'

export const totalTasks = ({ counts }: JobView): number => Object.values(counts).reduce((sum, count) => sum + count, 0)

export const sayState = ({ phase, outcome, unmatched }: JobView, style: Style): string => {
  if (phase === 'active') return unmatched === null ? style.cyan('active') : style.yellow('waiting for offers')
  return outcome === 'succeeded' ? style.green('succeeded') : style.red(outcome ?? 'closed')
}

/** The labelled facts of a job. */
export const renderJob = (view: JobView, style: Style, now: number): string =>
  renderFacts(
    [
      ['job', style.bold(view.id)],
      ['name', sayName(view.name)],
      ['state', sayState(view, style)],
      ['tasks', sayCounts(view.counts)],
      ['charged', `${formatUsd(view.charged)} of at most ${formatUsd(view.ceiling)}`],
      ['submitted', formatAge(view.submittedAt, now)],
      ...(view.unmatched === null
        ? []
        : [['waiting', printable(sayAmounts(view.unmatched.message))] as [string, string]]),
    ],
    { style },
  )

const taskRow = (task: TaskView, style: Style): string[] => {
  const last = task.attempts.at(-1)
  const paint = task.phase === 'abandoned' ? style.red : task.phase === 'final' ? style.green : (text: string) => text
  const result =
    task.problem === null ? task.outputs.map(({ name }) => name).join(', ') : sayAmounts(task.problem.message)
  return [
    String(task.index),
    paint(sayPhase(task.phase)),
    String(task.attempts.length),
    last === undefined ? '–' : shorten(last.provider),
    task.amount === null ? '–' : formatUsd(task.amount),
    printable(result),
  ]
}

const taskColumns = [
  { title: 'task', align: 'right' },
  { title: 'state' },
  { title: 'attempts', align: 'right' },
  { title: 'provider' },
  { title: 'charged', align: 'right' },
  { title: 'outputs or problem', isFlexible: true },
] as const

const shownTasks = 20

/** `muster job show`: a job and its tasks; the first of them unless all are asked for. */
export const showJob = async (session: Session, text: string, options: { readonly all?: boolean }): Promise<number> => {
  const { signal, style, terminal } = session
  const job = parseJobId(text)
  const muster: Muster = await session.connectFor(job)
  const view = await muster.getJob(job, { signal })
  const tasks: TaskView[] = []
  for await (const task of muster.listTasks(job, { signal })) {
    tasks.push(task)
    if (options.all !== true && !session.isJson && tasks.length > shownTasks) break
  }
  session.print({ ...view, tasks }, () => {
    const isCut = tasks.length > shownTasks && options.all !== true
    const shown = isCut ? tasks.slice(0, shownTasks) : tasks
    const rest = isCut ? style.dim(`… and ${totalTasks(view) - shownTasks} more; see them with --all\n`) : ''
    const table = renderTable(
      taskColumns,
      shown.map((task) => taskRow(task, style)),
      { style, width: terminal.stdout.columns },
    )
    return `${renderJob(view, style, session.now())}\n${table}${rest}`
  })
  return exitCodes.ok
}
