import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatPrice, shorten } from '../format/format-record.ts'
import { formatAge } from '../format/format-time.ts'
import { findLease } from './find-leases.ts'

/** `muster lease extend`: has a lease last longer, at its price, where its provider agrees. */
export const extendLease = async (
  session: Session,
  text: string,
  options: { readonly for: number; readonly job?: string },
): Promise<number> => {
  const { of, lease } = await findLease(session, text, options.job)
  const until = lease.until + options.for
  const view = await of.muster.extendLease(of.job, lease.id, until, { signal: session.signal })
  const { style } = session
  session.print(view, () => {
    const { price } = view.lease.record
    return `${style.green('✓')} ${shorten(view.provider)} agrees: the lease ends ${formatAge(view.until, session.now())}, at ${formatPrice(price)} as before.\n`
  })
  return exitCodes.ok
}
