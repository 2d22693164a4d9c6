import type { DayJob } from './make-day-jobs.ts'
import type { CostKind } from './watch-cost.ts'

const minuteMs = 60_000
const hourMs = 3_600_000

/** Work by the median time of its program on a machine of ordinary speed: under ten minutes, under an hour, more. */
const lengthOf = (medianMs: number): number => (medianMs < 10 * minuteMs ? 0 : medianMs < hourMs ? 1 : 2)

/** What the work of a job is counted with. */
export const kindOf = ({ plan, program }: DayJob): CostKind => ({
  award: plan.award ?? 'lowest',
  length: lengthOf(program.medianMs),
})
