import type { JobSpec } from '@muster/protocol'
import type { PlantedBug } from '../../../market/planted-bug.ts'
import type { MarketPlan } from '../scenario/scenario.ts'

const minuteMs = 60_000
const hourMs = 3_600_000

export interface DayPlan {
  readonly seed: number
  readonly agents: number
  /** Of the market. */
  readonly nodes: number
  readonly tasks: number
  readonly hours: number
  /** The rule of award that jobs name: one, or each of them half of the jobs, drawn by lot. */
  readonly award: JobSpec['award'] | 'both'
  /** Takes what the market wrote of a job off its disk once the job has been looked at; else the books are audited at the end. */
  readonly isLarge: boolean
  /** The market has known its machines for a month; else it opens today. */
  readonly isKnown: boolean
  /** Planted in the market. */
  readonly bug?: PlantedBug
}

/** The market of a day: it crashes twice, and its database takes its time and never fails. */
export const marketOfDay = ({ hours, nodes }: DayPlan): MarketPlan => ({
  graceMs: 30_000,
  restartGraceMs: 120_000,
  progressSlackMs: 60_000,
  leaseTermMs: 4 * hourMs,
  commitDelayMs: 1,
  readDelayMs: 0,
  readFailChance: 0,
  snapshotEvents: 2_000,
  cleanEveryMs: 10 * minuteMs,
  keepBlobsMs: 0,
  linksEarly: false,
  clockSteps: [],
  crashesAtCommit: [],
  crashes: [0.3, 0.7].map((share) => ({ atMs: share * hours * hourMs, downMs: 20_000 })),
  hiccups: [],
  hiccupChance: 0,
  nodes: { count: nodes, outages: [], kills: [] },
})
