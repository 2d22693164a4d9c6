import { Worker } from 'node:worker_threads'
import type { Bug } from './bugs.ts'
import type { SeedWork } from './seed-worker.ts'
import type { Simulated } from './simulate.ts'
import { hashText } from './world/random.ts'

export interface RunSeedsOptions {
  readonly from: number
  /** Not included. */
  readonly to: number
  readonly bug?: Bug
  readonly workers: number
  /** Runs all seeds, also after one has failed. */
  readonly keepsGoing?: boolean
  onFailure?(simulated: Simulated): void
  onProgress?(done: { readonly seeds: number; readonly failed: number }): void
}

export interface SeedsRun {
  readonly seeds: number
  /** By seed. */
  readonly failures: readonly Simulated[]
  readonly commits: number
  readonly snapshots: number
  readonly collected: number
  readonly runs: number
  readonly virtualMs: number
  readonly crashes: number
  /** The market was crashed before and after each commit up to this one, counted from its start. */
  readonly coveredCommits: number
  /** Hash of the traces of all seeds. */
  readonly trace: string
}

const chunk = 8

const coveredCommits = (points: ReadonlySet<string>): number => {
  let covered = 0
  while (points.has(`${covered}.before-commit`) && points.has(`${covered}.after-commit`)) covered++
  return covered - 1
}

const total = (results: readonly Simulated[]): SeedsRun => {
  const sum = (valueOf: (result: Simulated) => number) => results.reduce((all, result) => all + valueOf(result), 0)
  const bySeed = results.toSorted((a, b) => a.seed - b.seed)
  return {
    seeds: results.length,
    failures: bySeed.filter(({ violation }) => violation !== undefined),
    commits: sum(({ commits }) => commits),
    snapshots: sum(({ snapshots }) => snapshots),
    collected: sum(({ collected }) => collected),
    runs: sum(({ runs }) => runs),
    virtualMs: sum(({ virtualMs }) => virtualMs),
    crashes: sum(({ crashPoints }) => crashPoints.length),
    coveredCommits: coveredCommits(new Set(results.flatMap(({ crashPoints }) => crashPoints))),
    trace: hashText(bySeed.map(({ trace }) => trace).join()).toString(16),
  }
}

/** Runs many seeds on several threads; without `keepsGoing` hands out no more once one has failed. */
export const runSeeds = async (options: RunSeedsOptions): Promise<SeedsRun> => {
  const { from, to, bug, keepsGoing = false } = options
  const results: Simulated[] = []
  let next = from
  let failed = 0

  const runWorker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./seed-worker.ts', import.meta.url), { stdout: false, stderr: false })
      const finish = () => void worker.terminate().then(() => resolve())
      const handOut = (): void => {
        if (next >= to || (failed > 0 && !keepsGoing)) return finish()
        const work: SeedWork = { from: next, to: Math.min(to, next + chunk), ...(bug === undefined ? {} : { bug }) }
        next = work.to
        worker.postMessage(work)
      }
      worker.on('message', (batch: readonly Simulated[]) => {
        for (const result of batch) {
          results.push(result)
          if (result.violation === undefined) continue
          failed++
          options.onFailure?.(result)
        }
        options.onProgress?.({ seeds: results.length, failed })
        handOut()
      })
      worker.on('error', reject)
      handOut()
    })

  await Promise.all(Array.from({ length: Math.min(options.workers, Math.ceil((to - from) / chunk)) }, runWorker))
  return total(results)
}
