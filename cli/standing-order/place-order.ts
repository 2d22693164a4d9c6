import { uploadBlobs } from '../blob/upload-blobs.ts'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { loadJobFile } from '../job/submit-job.ts'
import { sayOrder } from './say-standing-order.ts'
import { compileTerms, type WrittenTerms } from './written-terms.ts'

/** `muster order place`: checks and uploads a job file, and leaves it with the market until the supply can take it. */
export const placeOrder = async (session: Session, file: string, written: WrittenTerms): Promise<number> => {
  const terms = compileTerms(written, session.now())
  const compiled = await loadJobFile(session, file)
  const muster = await session.connect()
  await uploadBlobs(session, muster, compiled.blobs)
  const order = await muster.placeStandingOrder(compiled.spec, terms, { signal: session.signal })
  session.progress.stop()
  session.print(order, () => {
    const { style } = session
    const next = style.dim(`  muster order show ${order.id}\n  muster order cancel ${order.id}\n`)
    return `${style.green('✓')} Placed ${style.bold(order.id)}: ${sayOrder(order)}.\n  Nothing is held until it becomes a job.\n${next}`
  })
  return exitCodes.ok
}
