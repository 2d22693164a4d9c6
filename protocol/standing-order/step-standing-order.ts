import { MusterError } from '../error/muster-error.ts'
import type { StandingEvent, StandingState, StandingTerms } from './standing-order.ts'

const refuse = (state: StandingState | undefined, event: StandingEvent): MusterError =>
  new MusterError({
    code: 'transition_refused',
    message: 'This event does not follow from what happened to the standing order.',
    facts: { event: event.type, run: state?.run?.number ?? null, ended: state?.ended ?? null },
  })

const first = (event: StandingEvent): StandingState => {
  if (event.type !== 'placed') throw refuse(undefined, event)
  const none = { ended: null, run: null, problem: null }
  return { version: 1, runs: 0, charged: 0n, notBefore: event.at, refusals: 0, updatedAt: event.at, ...none }
}

/** The state after one more event. Throws `transition_refused`. */
export const stepStandingOrder = (
  { cooldownMs }: Pick<StandingTerms, 'cooldownMs'>,
  state: StandingState | undefined,
  event: StandingEvent,
): StandingState => {
  if (state === undefined) return first(event)
  const { run } = state
  const next = { ...state, version: state.version + 1, updatedAt: Math.max(state.updatedAt, event.at) }
  const isOfRun = 'run' in event && event.run === run?.number
  switch (event.type) {
    case 'decided':
      if (run !== null || state.ended !== null || event.run !== state.runs + 1) break
      return { ...next, run: { number: event.run, decidedAt: event.at, job: null } }
    case 'ran':
      // What was decided before the end may come about after it, on another node.
      if (!isOfRun || run.job !== null) break
      return { ...next, runs: event.run, run: { ...run, job: event.job }, refusals: 0, problem: null }
    case 'held':
      if (!isOfRun || run.job !== null || state.ended !== null) break
      return { ...next, refusals: state.refusals + 1, problem: event.problem, notBefore: event.retryAt }
    case 'finished':
      if (!isOfRun || run.job !== event.job) break
      return { ...next, run: null, charged: state.charged + event.charged, notBefore: event.at + cooldownMs }
    case 'ended':
      if (state.ended !== null) break
      return { ...next, ended: event.reason }
    default:
  }
  throw refuse(state, event)
}
