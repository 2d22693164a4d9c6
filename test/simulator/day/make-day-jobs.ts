import type { JobSpec } from '@muster/protocol'
import type { JobPlan } from '../scenario/scenario.ts'
import { createRandom, type Random } from '../world/random.ts'
import { boundedPareto, logNormal } from './draw.ts'
import { operatorMs, regionsOfDay } from './make-machines.ts'

const minuteMs = 60_000
const hourMs = 3_600_000

/** What a program takes on a machine of ordinary speed, and what has to arrive before it runs. */
interface DayProgram {
  readonly operators: number
  readonly medianMs: number
  readonly bytes: number
}

const mostTasks = 2_000
/** A job asks for a slot to so many of its tasks. */
const tasksPerSlot = 6
/** Larger jobs do not ask for a region. */
const mostRegional = 200
const mostPrograms = 24
const leastOperators = 2
/** A program takes at most so much of the day. */
const longestShare = 1 / 12
/** A task takes between a third and three times the median of its program. */
const widest = 3

const makePrograms = (dayMs: number, random: Random): DayProgram[] => {
  const mostOperators = Math.max(2 * leastOperators, Math.round((dayMs * longestShare) / operatorMs))
  const programCount = Math.min(mostPrograms, Math.floor(mostOperators / 4))
  const programs = new Map<number, DayProgram>()
  while (programs.size < programCount) {
    const drawn = Math.round(logNormal(random, 6 * minuteMs, 1.3) / operatorMs)
    const operators = Math.max(leastOperators, Math.min(mostOperators, drawn))
    programs.set(operators, { operators, medianMs: operators * operatorMs, bytes: boundedPareto(random, 1, 1e6, 5e9) })
  }
  return [...programs.values()]
}

/** What a task takes on a machine of ordinary speed: the same however often it is tried. */
export const taskMs = (seed: number, job: string, index: number, medianMs: number): number => {
  const drawn = logNormal(createRandom(`day ${seed} ${job} ${index}`), 1, 0.5)
  return medianMs * Math.min(widest, Math.max(1 / widest, drawn))
}

export interface DayJob {
  readonly plan: JobPlan
  readonly program: DayProgram
}

export interface DayJobsOptions {
  readonly tasks: number
  readonly tenants: number
  /** The rule of every job, or each of them for half of the jobs. */
  readonly award: JobSpec['award'] | 'both'
  readonly maxPriceNanoUsd: number
  /** Jobs arrive from the first minutes until then. */
  readonly untilMs: number
  readonly dayMs: number
}

/** Jobs with as many tasks in all: many small ones, few large, more by day than by night. */
export const makeDayJobs = (options: DayJobsOptions, random: Random): DayJob[] => {
  const programs = makePrograms(options.dayMs, random.fork('programs'))
  const jobs: DayJob[] = []
  for (let left = options.tasks; left > 0;) {
    const tasks = Math.min(left, Math.round(boundedPareto(random, 1, 4, mostTasks)))
    left -= tasks
    const program = random.pick(programs)
    jobs.push({
      program,
      plan: {
        name: `job-${jobs.length}`,
        tenant: random.int(0, options.tenants - 1),
        submitAtMs: arrival(options.untilMs, random),
        patienceMs: 10_000,
        tasks,
        slots: Math.ceil(tasks / tasksPerSlot),
        regions: tasks < mostRegional && random.chance(0.2) ? [random.pick(regionsOfDay)] : [],
        maxPriceNanoUsd: options.maxPriceNanoUsd,
        pricePer: 'operator',
        award: options.award === 'both' ? random.pick(['lowest', 'effective']) : options.award,
        taskTimeoutMs: Math.ceil(program.medianMs * widest * 4),
        maxFailures: 3,
        inputBytes: 0,
        operators: program.operators,
        program: { kind: 'sound', minMs: 0, maxMs: 0, outputBytes: 4 },
        cancelAtMs: null,
        auction: null,
      },
    })
  }
  return jobs
}

/** Half as many again at the busiest hour, half as many at the quietest. */
const arrival = (untilMs: number, random: Random): number => {
  while (true) {
    const at = random.between(2 * minuteMs, untilMs)
    if (random.next() * 1.5 < 1 + 0.5 * Math.sin(((at / hourMs - 8) * Math.PI) / 12)) return Math.round(at)
  }
}
