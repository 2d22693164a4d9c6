import { derivedId, type JobId, type OrderId } from '../id/id.ts'
import type { StandingEnd, StandingOrder, StandingState } from './standing-order.ts'

/** What is next for a standing order. */
export type StandingPlan =
  | { readonly type: 'nothing' }
  /** Nothing before this time (wall-clock ms). */
  | { readonly type: 'wait'; readonly until: number }
  /** A job of its own is under way. */
  | { readonly type: 'follow'; readonly job: JobId }
  /** It is over. */
  | { readonly type: 'end'; readonly reason: StandingEnd }
  /** It becomes a job as soon as the supply can take it. */
  | { readonly type: 'match'; readonly run: number }

type Kept = Pick<StandingOrder, 'spec' | 'terms'>

/** Whether the budget covers one more job at its ceiling. */
const isCovered = ({ spec, terms }: Kept, { charged }: StandingState): boolean =>
  terms.atMost === null || charged + spec.ceiling <= terms.atMost

/**
 * The rule of standing orders: one job at a time; none after `until`, beyond `times`, before `notBefore`, or
 * where its ceiling and what was charged before come to more than `atMost`. A job that is under way is never touched.
 */
export const planStandingOrder = (order: Kept, state: StandingState, now: number): StandingPlan => {
  const { terms } = order
  const { run } = state
  const job = run?.job ?? null
  if (job !== null) return { type: 'follow', job }
  if (state.ended !== null) return { type: 'nothing' }
  if (terms.times !== null && state.runs >= terms.times) return { type: 'end', reason: 'done' }
  if (now >= terms.until) return { type: 'end', reason: 'expired' }
  if (!isCovered(order, state)) return { type: 'end', reason: 'spent' }
  if (now < state.notBefore) return { type: 'wait', until: Math.min(state.notBefore, terms.until) }
  return { type: 'match', run: run?.number ?? state.runs + 1 }
}

/** Whether something may still happen to it: it is not over, or the end of a job of it is yet to be noted. */
export const isStanding = ({ ended, run }: StandingState): boolean => ended === null || (run?.job ?? null) !== null

const firstBackOffMs = 60_000
const maxBackOffMs = 3_600_000

/** How long after this many refusals in a row a job is tried again, in ms. */
export const standingBackOffMs = (refusals: number): number =>
  Math.min(maxBackOffMs, firstBackOffMs * 2 ** Math.min(20, Math.max(0, refusals - 1)))

/**
 * The id of the order of one run: the one the tenant signed for it, else one that follows from the standing order, the run's number and when
 * it was first decided. The job bears its number, so that nobody can make two jobs of one run.
 */
export const orderOfRun = (
  { id, orders }: Pick<StandingOrder, 'id' | 'orders'>,
  run: { readonly number: number; readonly decidedAt: number },
): OrderId => orders[run.number - 1]?.record.id ?? derivedId('order', run.decidedAt, `run ${run.number} of ${id}`)
