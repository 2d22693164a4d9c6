import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { connectAdmin } from './admin-call.ts'

export interface DrainOptions {
  readonly reason: string
  readonly wait?: boolean
  /** How long to wait between looks. */
  readonly everyMs?: number
}

const lookEveryMs = 1_000

const jobsText = (count: number): string => `${count} job${count === 1 ? '' : 's'}`

/** `muster market drain`: with --wait until no job is left, which it shows. */
export const drainMarket = async (
  session: Session,
  { reason, wait = false, everyMs = lookEveryMs }: DrainOptions,
): Promise<number> => {
  const muster = await connectAdmin(session)
  const { signal, style } = session
  const begun = await muster.call('drain', { body: { reason } }, { signal })
  let { activeJobs } = begun
  let status = wait ? await muster.call('marketStatus', {}, { signal }) : undefined
  if (wait && activeJobs > 0) {
    const bar = session.progress.bar('draining', activeJobs)
    const first = activeJobs
    for (;;) {
      status = await muster.call('marketStatus', {}, { signal })
      activeJobs = status.jobs.active
      const { runningTasks, waitingTasks } = status.jobs
      bar.update({
        done: Math.max(0, first - activeJobs),
        note: `${jobsText(activeJobs)} left; ${runningTasks} tasks running, ${waitingTasks} waiting`,
      })
      if (activeJobs === 0) break
      await sleep(everyMs, undefined, { signal })
    }
    bar.succeed('no job is left')
  }
  session.print({ draining: begun.draining, activeJobs, isDrained: activeJobs === 0 }, () =>
    activeJobs === 0
      ? `${style.green('✓')} No new jobs are taken, and none is left: the node may be stopped.\n`
      : `${style.green('✓')} No new jobs are taken; ${jobsText(activeJobs)} run on. See how far: muster market drain --wait, or muster market status\n`,
  )
  return exitCodes.ok
}

/** `muster market undrain` */
export const undrainMarket = async (session: Session, { reason }: { readonly reason: string }): Promise<number> => {
  const muster = await connectAdmin(session)
  const answer = await muster.call('undrain', { body: { reason } }, { signal: session.signal })
  session.print(answer, () => `${session.style.green('✓')} New jobs are taken again.\n`)
  return exitCodes.ok
}
