import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { connectAdmin } from '../market/admin-call.ts'

const timeoutMs = 600_000
const shownHours = 20

/** `muster price audit`: whether prices rest on what receipts say. */
export const auditPrices = async (session: Session, options: { readonly hours: number }): Promise<number> => {
  const muster = await connectAdmin(session)
  const found = await muster.call(
    'auditPrices',
    { query: { hours: options.hours } },
    { signal: session.signal, timeoutMs },
  )
  const { style } = session
  session.print(found, () => {
    const what = `${found.trades} trades in ${found.hours} hours worked out afresh from receipts`
    if (found.wrong.length === 0) return `${style.green('✓')} ${what}: all as they are kept.\n`
    const hours = found.wrong.slice(0, shownHours).map((at) => `  ${new Date(at).toISOString()}\n`)
    return `${style.red('✗')} ${what}: ${found.wrong.length} hours are kept otherwise.\n${hours.join('')}`
  })
  return found.wrong.length === 0 ? exitCodes.ok : exitCodes.failed
}
