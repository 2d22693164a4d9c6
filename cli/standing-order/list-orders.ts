import { formatUsd, parseId } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatAge } from '../format/format-time.ts'
import { sayName } from '../format/say-name.ts'
import { renderTable } from '../terminal/render-table.ts'
import { printable } from '../terminal/text-width.ts'
import { sayPhase, sayReason, sayTimes } from './say-standing-order.ts'

const columns = [
  { title: 'order' },
  { title: 'name', isFlexible: true },
  { title: 'state' },
  { title: 'runs', align: 'right' },
  { title: 'of', align: 'right' },
  { title: 'charged', align: 'right' },
  { title: 'until', align: 'right' },
] as const

const reasonColumns = [{ title: 'order' }, { title: 'why it waits', isFlexible: true, wraps: true }] as const

/** `muster order list` */
export const listOrders = async (
  session: Session,
  options: { readonly limit: number; readonly before?: string },
): Promise<number> => {
  const muster = await session.connect()
  const before = options.before === undefined ? {} : { before: parseId('standing-order', options.before) }
  const query = { limit: options.limit, ...before }
  const orders = await muster.listStandingOrders(query, { signal: session.signal })
  const { style, terminal } = session
  session.print(orders, () => {
    if (orders.length === 0) return 'No standing orders yet. Place one with: muster order place FILE\n'
    const rows = orders.map((order) => [
      order.id,
      sayName(order.name),
      sayPhase(order, style),
      String(order.runs),
      sayTimes(order.terms),
      formatUsd(order.charged),
      formatAge(order.terms.until, session.now()),
    ])
    const reasons = orders.flatMap((order) => {
      const reason = sayReason(order, session.now())
      return reason === undefined ? [] : [[order.id, printable(reason)]]
    })
    const options = { style, width: terminal.stdout.columns }
    const why = renderTable(reasonColumns, reasons, options)
    return `${renderTable(columns, rows, options)}${why === '' ? '' : `\n${why}`}`
  })
  return exitCodes.ok
}
