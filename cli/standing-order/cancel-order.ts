import { parseId } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'

/** `muster order cancel` */
export const cancelOrder = async (session: Session, id: string): Promise<number> => {
  const muster = await session.connect()
  const order = await muster.cancelStandingOrder(parseId('standing-order', id), { signal: session.signal })
  session.print(order, () => {
    const { style } = session
    const job = order.job === null ? '' : ` ${order.job} goes on; end it with: muster job cancel ${order.job}`
    return `${style.green('✓')} ${order.id} makes no more jobs.${job}\n`
  })
  return exitCodes.ok
}
