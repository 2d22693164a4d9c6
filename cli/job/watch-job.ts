import type { Session } from '../command/session.ts'
import { followJob } from './follow-job.ts'
import { parseJobId } from './parse-ids.ts'
import { renderJob } from './show-job.ts'

/** `muster job watch`: the timeline as it happens, to the end of the job. With --json one event a line. */
export const watchJob = async (
  session: Session,
  text: string,
  options: { readonly after: number },
): Promise<number> => {
  const job = parseJobId(text)
  const muster = await session.connectFor(job)
  const { view, status } = await followJob(session, muster, job, {
    after: options.after,
    showsEvents: true,
  })
  session.progress.stop()
  if (!session.isJson) session.progress.print(`\n${renderJob(view, session.style, session.now())}`)
  return status
}
