import type { TaskView } from '@muster/sdk'

/**
 * What a phase of a task is called. One that is `running` may still be in the queue of its machine: work is handed out ahead
 * of the slots, so that no slot waits for the wire.
 */
export const sayPhase = (phase: TaskView['phase']): string => (phase === 'running' ? 'handed out' : phase)

/** `2 waiting, 5 handed out, 1 final`: the phases with any task in them. */
export const sayCounts = (counts: Readonly<Record<TaskView['phase'], number>>): string =>
  (Object.keys(counts) as TaskView['phase'][])
    .filter((phase) => counts[phase] > 0)
    .map((phase) => `${counts[phase]} ${sayPhase(phase)}`)
    .join(', ')
