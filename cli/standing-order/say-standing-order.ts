import { formatUsd, type NearMiss, type NumberedStandingEvent, type Problem, type StandingOrderView } from '@muster/sdk'
import { isMerelyBusy } from '../error/is-merely-busy.ts'
import { sayAmounts } from '../error/say-amounts.ts'
import { sayRequirement } from '../error/say-requirement.ts'
import { formatDuration } from '../format/format-duration.ts'
import { formatAge } from '../format/format-time.ts'
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

const sayProblem = ({ code, message, facts }: Problem): string => {
  const [first] = Array.isArray(facts['nearest']) ? (facts['nearest'] as NearMiss[]) : []
  if (first === undefined || isMerelyBusy({ code, facts })) return sayAmounts(message)
  const lacks = first.failed
    .map(sayRequirement)
    .map(({ requirement, expected, found }) => `${requirement}: expected ${expected}, found ${found}`)
  return `None of ${String(facts['offers'])} offers fits; the nearest fails ${lacks.join('; ')}.`
}

/** Why it does not run now, in a sentence, and when that was seen; `undefined` where it is over, runs or pauses. */
export const sayReason = (order: StandingOrderView, now: number): string | undefined => {
  if (order.ended !== null || order.job !== null) return undefined
  if (order.problem !== null) return sayAmounts(order.problem.message)
  if (order.wait !== null) return `${sayProblem(order.wait.problem)} Looked ${formatAge(order.wait.lookedAt, now)}.`
  return order.notBefore > now ? undefined : 'The market has yet to look at it.'
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
