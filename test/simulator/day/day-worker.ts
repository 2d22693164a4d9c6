import { parentPort, workerData } from 'node:worker_threads'
import type { DayPlan } from './day-plan.ts'
import { simulateDay } from './simulate-day.ts'
import { figuresOf, summariseDay, type CostFigures, type DayFigures } from './summarise-day.ts'

export type FromDayWorker =
  | {
      readonly type: 'progress'
      readonly hours: number
      /** Jobs under way. */
      readonly open: number
      readonly lowest: readonly CostFigures[]
      readonly effective: readonly CostFigures[]
    }
  | { readonly type: 'done'; readonly figures: DayFigures }

// Errors are thrown by the thousand here, and nobody reads where.
Error.stackTraceLimit = 0

const plan = workerData as DayPlan
const say = (message: FromDayWorker): void => parentPort?.postMessage(message)
const startedAt = performance.now()
const before = process.threadCpuUsage()
let peakMiB = 0

const day = await simulateDay(plan, ({ hours, open, awards: { lowest, effective } }) => {
  const { heapUsed, external } = process.memoryUsage()
  peakMiB = Math.max(peakMiB, (heapUsed + external) / 2 ** 20)
  say({
    type: 'progress',
    hours,
    open,
    lowest: lowest.hours.map(figuresOf),
    effective: effective.hours.map(figuresOf),
  })
})
const { user, system } = process.threadCpuUsage(before)
const spent = {
  wallSeconds: (performance.now() - startedAt) / 1000,
  cpuSeconds: (user + system) / 1e6,
  peakMiB: Math.round(peakMiB),
}
say({ type: 'done', figures: summariseDay(plan, day, spent) })
