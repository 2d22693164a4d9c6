import { formatUsd, parseId, type NumberedStandingEvent, type StandingOrderView } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatAge } from '../format/format-time.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { printable } from '../terminal/text-width.ts'
import { wrapText } from '../terminal/wrap-text.ts'
import { sayEvent, sayOrder, sayPhase, sayReason } from './say-standing-order.ts'

const pageEvents = 1_000
const shownEvents = 30

const render = (
  order: StandingOrderView,
  events: readonly NumberedStandingEvent[],
  { style, terminal, now }: Session,
): string => {
  const width = Math.min(terminal.stdout.columns, 100)
  const waits = order.ended === null && order.job === null && order.notBefore > now()
  const reason = sayReason(order, now())
  const facts = renderFacts(
    [
      ['order', order.id],
      ['what', sayOrder(order)],
      ['state', `${sayPhase(order, style)}${waits ? `, next ${formatAge(order.notBefore, now())}` : ''}`],
      ...(order.job === null ? [] : [['job', order.job] as const]),
      ['runs', `${order.runs}, ${formatUsd(order.charged)} charged`],
      ...(reason === undefined ? [] : [['why', wrapText(printable(reason), width - 8).join('\n')] as const]),
    ],
    { style },
  )
  const shown = events.slice(-shownEvents)
  const left = events.length - shown.length
  const lines = shown.flatMap(({ event }) => {
    const when = new Date(event.at).toISOString().slice(0, 19).replace('T', ' ')
    const [first = '', ...rest] = wrapText(printable(sayEvent(event)), width - when.length - 2)
    return [`${style.dim(when)}  ${first}\n`, ...rest.map((line) => `${' '.repeat(when.length + 2)}${line}\n`)]
  })
  const head = left > 0 ? style.dim(`${left} earlier events; all with --json\n`) : ''
  return `${facts}\n${head}${lines.join('')}`
}

/** `muster order show`: how it stands and what happened, in UTC. */
export const showOrder = async (session: Session, id: string): Promise<number> => {
  const order = parseId('standing-order', id)
  const muster = await session.connect()
  const view = await muster.getStandingOrder(order, { signal: session.signal })
  const events: NumberedStandingEvent[] = []
  for (let isMore = true; isMore;) {
    const query = { limit: pageEvents, after: events.at(-1)?.number ?? 0 }
    const page = await muster.standingOrderEvents(order, query, { signal: session.signal })
    events.push(...page)
    isMore = page.length === pageEvents
  }
  session.print({ ...view, events }, () => render(view, events, session))
  return exitCodes.ok
}
