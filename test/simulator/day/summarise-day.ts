import { operatorMs } from './make-machines.ts'
import type { DayPlan } from './day-plan.ts'
import type { Day } from './simulate-day.ts'
import type { CostTallies, CostTally } from './watch-cost.ts'

/** What a tally comes to. An hour of work is an hour on a machine of ordinary speed. */
export interface CostFigures {
  readonly tasks: number
  readonly workHours: number
  /** Runs of tasks over tasks that were finished. */
  readonly attemptsPerTask: number
  /** Of the time that machines ran tasks, what was lost with a machine. */
  readonly lostShare: number
  readonly billedUsdPerWorkHour: number
  /** With the runs that were lost at the price of their machine, by the part that ran. */
  readonly effectiveUsdPerWorkHour: number
}

const nanoUsd = 1e9
const hourMs = 3_600_000

export const figuresOf = ({ tasks, operators, runs, ranMs, lostMs, billed, spent }: CostTally): CostFigures => {
  const workHours = (operators * operatorMs) / hourMs
  const per = (amount: number, whole: number) => (whole === 0 ? 0 : amount / whole)
  return {
    tasks,
    workHours,
    attemptsPerTask: per(runs, tasks),
    lostShare: per(lostMs, ranMs),
    billedUsdPerWorkHour: per(billed / nanoUsd, workHours),
    effectiveUsdPerWorkHour: per(spent / nanoUsd, workHours),
  }
}

const add = (a: CostTally, b: CostTally): CostTally => ({
  runs: a.runs + b.runs,
  lost: a.lost + b.lost,
  tasks: a.tasks + b.tasks,
  operators: a.operators + b.operators,
  billed: a.billed + b.billed,
  spent: a.spent + b.spent,
  ranMs: a.ranMs + b.ranMs,
  lostMs: a.lostMs + b.lostMs,
})

const nothing: CostTally = { runs: 0, lost: 0, tasks: 0, operators: 0, billed: 0, spent: 0, ranMs: 0, lostMs: 0 }

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)] ?? 0

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** What a machine spent on a run. */
export interface Spent {
  readonly wallSeconds: number
  readonly cpuSeconds: number
  /** The most memory the process had. */
  readonly peakMiB: number
}

const summariseAward = ({ hours, lengths }: CostTallies, jobsMs: readonly number[], abandonedTasks: number) => ({
  jobs: jobsMs.length,
  abandonedTasks,
  jobP50Minutes: quantile(jobsMs, 0.5) / 60_000,
  jobP95Minutes: quantile(jobsMs, 0.95) / 60_000,
  all: figuresOf(hours.reduce(add, nothing)),
  underTenMinutes: figuresOf(lengths[0] ?? nothing),
  underAnHour: figuresOf(lengths[1] ?? nothing),
  anHourAndMore: figuresOf(lengths[2] ?? nothing),
  hours: hours.map(figuresOf),
})

export type AwardFigures = ReturnType<typeof summariseAward>

/** A day in figures. */
export const summariseDay = (plan: DayPlan, day: Day, spent: Spent) => ({
  ...spent,
  seed: plan.seed,
  agents: plan.agents,
  tasks: plan.tasks,
  nodes: plan.nodes,
  plannedHours: plan.hours,
  award: plan.award,
  isKnown: plan.isKnown,
  violation: day.violation ?? null,
  trace: day.trace,
  virtualHours: day.virtualMs / hourMs,
  events: day.events,
  commits: day.commits,
  runs: day.runs,
  jobs: day.jobs,
  sessions: day.sessionsMs.length,
  sessionMedianMinutes: quantile(day.sessionsMs, 0.5) / 60_000,
  outageMeanMinutes: mean(day.outagesMs) / 60_000,
  upShare: day.upShare,
  busyShare: day.busyShare,
  lowest: summariseAward(day.awards.lowest, day.jobsMs.lowest, day.abandoned.lowest),
  effective: summariseAward(day.awards.effective, day.jobsMs.effective, day.abandoned.effective),
  regionOutages: day.regionOutages,
})

export type DayFigures = ReturnType<typeof summariseDay>
