import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { parseJobId } from './parse-ids.ts'
import { renderJob } from './show-job.ts'

/** `muster job cancel` */
export const cancelJob = async (session: Session, text: string): Promise<number> => {
  const muster = await session.connect()
  const view = await muster.cancelJob(parseJobId(text), { signal: session.signal })
  session.print(view, () => renderJob(view, session.style, session.now()))
  return exitCodes.ok
}
