import { formatUsd, type JobView } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { parseJobId } from './parse-ids.ts'
import { renderJob } from './show-job.ts'

const endings: Readonly<Record<NonNullable<JobView['outcome']>, string>> = {
  succeeded: 'it succeeded',
  failed: 'it failed',
  cancelled: 'it was cancelled',
}

const sayClosed = ({ outcome, charged }: JobView): string =>
  `The job is closed already: ${outcome === null ? 'it is over' : endings[outcome]}, ${formatUsd(charged)} charged. Nothing is left to cancel.`

const sayCancelled = ({ phase }: JobView): string =>
  phase === 'closed' ? 'Cancelled.' : 'Cancelling; what was handed out is being stopped.'

/** `muster job cancel`: of a job that is closed already it says how that ended. */
export const cancelJob = async (session: Session, text: string): Promise<number> => {
  const { signal, style } = session
  const job = parseJobId(text)
  const muster = await session.connectFor(job)
  const before = await muster.getJob(job, { signal })
  const view = before.phase === 'closed' ? before : await muster.cancelJob(job, { signal })
  const isTooLate = before.phase === 'closed' || view.outcome === 'succeeded' || view.outcome === 'failed'
  session.print(view, () => {
    const said = isTooLate ? `${style.yellow('!')} ${sayClosed(view)}` : `${style.green('✓')} ${sayCancelled(view)}`
    return `${said}\n\n${renderJob(view, style, session.now())}`
  })
  return exitCodes.ok
}
