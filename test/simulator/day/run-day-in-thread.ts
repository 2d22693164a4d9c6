import { Worker } from 'node:worker_threads'
import type { FromDayWorker } from './day-worker.ts'
import type { DayPlan } from './day-plan.ts'
import type { DayFigures } from './summarise-day.ts'

export type DayAt = Extract<FromDayWorker, { type: 'progress' }>

const youngMiB = 512
const oldMiB = 14_000

/** Runs a day in a thread of its own: one that has room for ten thousand agents. */
export const runDay = (plan: DayPlan, onProgress: (at: DayAt) => void): Promise<DayFigures> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./day-worker.ts', import.meta.url), {
      workerData: plan,
      resourceLimits: { maxYoungGenerationSizeMb: youngMiB, maxOldGenerationSizeMb: oldMiB },
    })
    worker.on('message', (message: FromDayWorker) => {
      if (message.type === 'progress') return onProgress(message)
      resolve(message.figures)
    })
    worker.on('error', reject)
  })
