import { MusterError, type Facts } from './muster-error.ts'

/** The error of a state machine that is asked for a step its state does not allow. */
export const refuseTransition = (machine: string, from: string, event: string, facts: Facts = {}): MusterError =>
  new MusterError({
    code: 'transition_refused',
    message: `A ${machine} that is ${from} cannot take the event ${event}.`,
    facts: { machine, from, event, ...facts },
  })
