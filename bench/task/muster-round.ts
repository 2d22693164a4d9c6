import type { JobSpecInput, Muster, TimelineEvent } from '@muster/sdk'

const maxPrice = 1_000n

/** A job of tasks that do nothing. */
export const noopJob = (tasks: number, slots: number): JobSpecInput => ({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'bench',
  runtime: 'noop',
  program: null,
  tasks: Array.from({ length: tasks }, () => ({ inputs: [] })),
  slots,
  resources: { cpuMilli: 1_000, memoryBytes: 2 ** 28, diskBytes: 0 },
  maxPrice: { nanoUsd: maxPrice, per: 'task' },
  ceiling: maxPrice * BigInt(tasks),
})

export interface Round {
  readonly tookMs: number
  /** Per task: from its dispatch to its acceptance, or from submission to the end for one-task jobs. */
  readonly latenciesMs: readonly number[]
}

const attemptLatencies = (events: readonly TimelineEvent[]): number[] => {
  const sentAt = new Map<number, number>()
  const latencies: number[] = []
  for (const { type, at, tasks = [] } of events) {
    for (const { index } of tasks) {
      if (type === 'dispatched') sentAt.set(index, at)
      else if (type === 'accepted') latencies.push(at - (sentAt.get(index) ?? at))
    }
  }
  return latencies
}

/** One job of many tasks, from the call that submits it to the event that closes it. */
export const runOneJob = async (muster: Muster, tasks: number, slots: number): Promise<Round> => {
  const startedAt = performance.now()
  const job = await muster.submitJob(noopJob(tasks, slots))
  const events = await Array.fromAsync(muster.watchJob(job.id))
  const tookMs = performance.now() - startedAt
  const final = events.at(-1)?.counts.final
  if (final !== tasks) throw new Error(`${final} of ${tasks} tasks are final`)
  return { tookMs, latenciesMs: attemptLatencies(events) }
}

/** Many jobs of one task each, an auction each, so many at a time. */
export const runOneTaskJobs = async (muster: Muster, jobs: number, atOnce: number): Promise<Round> => {
  const latenciesMs: number[] = []
  let left = jobs
  const startedAt = performance.now()
  const submitNext = async (): Promise<void> => {
    while (left-- > 0) latenciesMs.push((await runOneJob(muster, 1, 1)).tookMs)
  }
  await Promise.all(Array.from({ length: atOnce }, submitNext))
  return { tookMs: performance.now() - startedAt, latenciesMs }
}
