import { refuseTransition } from '@muster/protocol'

/**
 * The life of an agent: `starting → running → draining → stopped`.
 *
 * * `starting`: made, its journal not read yet. Nothing was promised, so it can stop at once.
 * * `running`: linked or trying to be; takes reservations unless its owner needs the machine.
 * * `draining`: no new work; notice is given, running attempts finish, claims are settled.
 * * `stopped`: the end. What was not finished or settled lies in the journal for the next start.
 */
export type Lifecycle = 'starting' | 'running' | 'draining' | 'stopped'

export type LifecycleStep = 'started' | 'drain' | 'stop'

const next: Record<Lifecycle, Partial<Record<LifecycleStep, Lifecycle>>> = {
  starting: { started: 'running', drain: 'stopped', stop: 'stopped' },
  running: { drain: 'draining', stop: 'stopped' },
  draining: { drain: 'draining', stop: 'stopped' },
  stopped: { drain: 'stopped', stop: 'stopped' },
}

/** The state after a step. Throws `transition_refused`: an agent starts once. */
export const stepLifecycle = (state: Lifecycle, step: LifecycleStep): Lifecycle => {
  const after = next[state][step]
  if (after === undefined) throw refuseTransition('agent', state, step)
  return after
}
