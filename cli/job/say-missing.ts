import type { TaskView } from '@muster/sdk'
import { formatRanges } from '../format/format-ranges.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import type { Style } from '../terminal/style.ts'
import { sayPhase } from './say-phase.ts'

export type MissingTask = Pick<TaskView, 'index' | 'phase'>

const mostRanges = 12

const rangesByPhase = (missing: readonly MissingTask[]): [phase: string, indexes: string][] =>
  [...Map.groupBy(missing, ({ phase }) => phase)].map(([phase, tasks]) => [
    sayPhase(phase),
    formatRanges(
      tasks.map(({ index }) => index),
      mostRanges,
    ),
  ])

/** Which tasks have no outputs to fetch, bounded, in one line: `waiting 0–3, 7; handed out 4`. */
export const listMissing = (missing: readonly MissingTask[]): string =>
  rangesByPhase(missing)
    .map(([phase, indexes]) => `${phase} ${indexes}`)
    .join('; ')

/** The same for a person, a line for each phase. */
export const sayMissing = (missing: readonly MissingTask[], style: Style): string =>
  renderFacts(rangesByPhase(missing), { style, indent: '  ' })

/** Whether anything may still come of a task. */
export const isPending = ({ phase }: MissingTask): boolean => phase === 'waiting' || phase === 'running'

/** A task that is done has all the outputs it will ever have, be it none. */
export const isMissing = ({ phase }: MissingTask): boolean => phase !== 'accepted' && phase !== 'final'
