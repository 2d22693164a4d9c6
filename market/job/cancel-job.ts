import { attemptsOf } from '../attempt/attempts-of.ts'
import type { JobActor } from './job-actor.ts'

/** Cancels a job: running attempts are stopped and not paid, waiting tasks withdrawn, accepted work stays paid. Doing it twice changes nothing. */
export const cancelJob = (actor: JobActor): Promise<void> =>
  actor.step((draft) => {
    const { job, now } = draft
    if (job.closed !== null || job.cancelRequested) return
    draft.emit({ type: 'cancel-requested', at: now })
    const attempts = [...job.leases.keys()].flatMap((lease) => attemptsOf(job, lease))
    if (attempts.length > 0) draft.emit({ type: 'cancelled-attempts', at: now, attempts })
  })
