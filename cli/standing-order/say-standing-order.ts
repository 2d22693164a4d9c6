import { formatUsd, type NumberedStandingEvent, type StandingOrderView } from '@muster/sdk'
import { formatDuration } from '../format/format-duration.ts'
import { sayName } from '../format/say-name.ts'
import type { Style } from '../terminal/style.ts'

const ends = {
  done: 'done',
  expired: 'expired',
  cancelled: 'cancelled',
  spent: 'its budget is spent',
} as const

export const sayTimes = ({ times }: StandingOrderView['terms']): string =>
  times === null ? 'always' : times === 1 ? 'once' : `${times} times`

/** What it is doing, in a few words. */
export const sayPhase = (order: StandingOrderView, { green, yellow, cyan, dim }: Style): string => {
  if (order.job !== null) return cyan('running')
  if (order.ended !== null) return order.ended === 'done' ? green('done') : dim(order.ended)
  return order.problem === null ? 'waiting' : yellow('held')
}

type Event = NumberedStandingEvent['event']

/** One event as a sentence. */
export const sayEvent = (event: Event): string => {
  switch (event.type) {
    case 'placed':
      return 'Placed.'
    case 'decided':
      return `The supply can take it: run ${event.run} begins.`
    case 'ran':
      return `Run ${event.run} is ${event.job}.`
    case 'held':
      return `Run ${event.run} was refused: ${event.problem.message} Tried again in ${formatDuration(event.retryAt - event.at)}.`
    case 'finished':
      return `Run ${event.run} ${event.outcome}; ${formatUsd(event.charged)} charged.`
    case 'ended':
      return `Over: ${ends[event.reason]}.`
  }
}

/** Its name, slots and terms in one line. */
export const sayOrder = (order: StandingOrderView): string => {
  const { terms } = order
  const most = terms.atMost === null ? '' : `, together at most ${formatUsd(terms.atMost)}`
  const pause = terms.cooldownMs === 0 ? '' : `, ${formatDuration(terms.cooldownMs)} apart`
  return `${sayName(order.name)}, ${sayTimes(terms)}${pause} until ${new Date(terms.until).toISOString().slice(0, 16)}Z, at most ${formatUsd(order.ceiling)} each${most}`
}
