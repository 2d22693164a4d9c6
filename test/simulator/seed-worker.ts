import { parentPort } from 'node:worker_threads'
import type { Bug } from './bugs.ts'
import { simulate, type Simulated } from './simulate.ts'

export interface SeedWork {
  readonly from: number
  readonly to: number
  readonly bug?: Bug
}

// Errors are thrown by the thousand here, and nobody reads where.
Error.stackTraceLimit = 0

// A run reports its own; what is left of one that has ended concerns nobody.
process.on('unhandledRejection', () => {})

parentPort?.on('message', ({ from, to, bug }: SeedWork) => {
  void (async () => {
    const results: Simulated[] = []
    for (let seed = from; seed < to; seed++) {
      const result = await simulate(seed, bug === undefined ? {} : { bug }).catch((cause: unknown) => {
        throw new Error(`seed ${seed} could not be run: ${String(cause)}`, { cause })
      })
      results.push(result.violation === undefined ? { ...result, story: [] } : result)
    }
    parentPort?.postMessage(results)
  })().catch((error: unknown) => {
    queueMicrotask(() => {
      throw error
    })
  })
})
