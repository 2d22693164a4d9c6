import { cancelJobRoute, fromProblem, MusterError, type JobSpec, type TimelineEvent } from '@muster/protocol'
import { callRoute } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import { checkSpec, type JobSpecInput } from '../job/check-spec.ts'
import { createTaskFinder, type FinishedTask } from '../job/finished-tasks.ts'
import { watchJob } from '../job/watch-job.ts'
import {
  submitSomewhere,
  type SubmitSomewhereLimits,
  type SubmitSomewhereOptions,
  type SubmittedJob,
} from './submit-somewhere.ts'

export interface RunSomewhereOptions extends SubmitSomewhereOptions {
  readonly onSubmit?: (submitted: SubmittedJob) => void
  readonly onEvent?: (event: TimelineEvent, market: string) => void
  /** How long a market that has the job may stay out of reach before it counts as lost. Default 10 minutes. */
  readonly lostAfterMs?: number
  /**
   * What becomes of the tasks that are not finished when the market is lost. Default `fail`. `resubmit` sends them to another one;
   * should the lost one come back, they are done, and charged, at both.
   */
  readonly whenLost?: 'fail' | 'resubmit'
  /** What becomes of the job when the loop is left early. Default `cancel`. */
  readonly whenLeft?: 'cancel' | 'leave'
}

/** A task whose outputs may be used, and the market that holds them. */
export interface TaskSomewhere extends FinishedTask {
  readonly market: string
}

/** The same job with these of its tasks only, and as much of its ceiling. */
const withTasks = (spec: JobSpec, indexes: readonly number[]): JobSpec => {
  const tasks = indexes.flatMap((index) => {
    const task = spec.tasks[index]
    return task === undefined ? [] : [task]
  })
  const all = BigInt(spec.tasks.length)
  const { nameSalt: _, ...rest } = spec
  return {
    ...rest,
    tasks,
    slots: Math.min(spec.slots, tasks.length),
    ceiling: (spec.ceiling * BigInt(tasks.length) + all - 1n) / all,
  }
}

const failure = (job: string, market: string, outcome: string, abandoned: TimelineEvent | undefined): MusterError => {
  const cause = abandoned?.problem === undefined ? undefined : fromProblem(abandoned.problem)
  const why = outcome === 'cancelled' ? 'was cancelled.' : `failed: ${cause?.message ?? 'tasks were given up.'}`
  return new MusterError({
    code: outcome === 'cancelled' ? 'cancelled' : (cause?.code ?? 'attempts_exhausted'),
    message: `Job ${job} at ${market} ${why}`,
    facts: { ...cause?.facts, job, market },
    retry: 'never',
    ...(cause === undefined ? {} : { fault: cause.fault, cause }),
  })
}

const isLost = (error: unknown): boolean =>
  error instanceof MusterError && error.retry !== 'never' && error.code !== 'cancelled'

/**
 * Submits a job as `submitSomewhere` and gives each task as it is accepted, with the market it came from. Where that market is lost,
 * and `whenLost` says so, what is not finished goes to another as a job of its own. Rejects as `submitSomewhere` and `watchJob`.
 */
export async function* runSomewhere(
  connections: readonly Connection[],
  input: JobSpecInput,
  options: RunSomewhereOptions,
  limits: SubmitSomewhereLimits,
): AsyncGenerator<TaskSomewhere, void, undefined> {
  const { signal, lostAfterMs, whenLost = 'fail', whenLeft = 'cancel' } = options
  const spec = checkSpec(input)
  const lost = new Set<string>(options.except)
  const left = new Set(spec.tasks.keys())
  while (true) {
    const indexes = [...left]
    const submitted = await submitSomewhere(
      connections,
      withTasks(spec, indexes),
      { ...options, except: [...lost] },
      limits,
    )
    const { market, job } = submitted
    options.onSubmit?.(submitted)
    const connection = connections.find(({ url }) => url === market)
    if (connection === undefined) return
    const finished = createTaskFinder()
    let outcome: TimelineEvent['outcome']
    let abandoned: TimelineEvent | undefined
    let wasLost = false
    try {
      const patience = lostAfterMs === undefined ? {} : { patienceMs: lostAfterMs }
      for await (const event of watchJob(connection, job.id, { signal, ...patience })) {
        outcome = event.outcome
        options.onEvent?.(event, market)
        if (event.type === 'abandoned') abandoned ??= event
        for (const task of finished(event)) {
          const index = indexes[task.index] ?? task.index
          left.delete(index)
          yield { ...task, index, market }
        }
      }
    } catch (error) {
      wasLost = isLost(error)
      const others = connections.filter(({ url }) => url !== market && !lost.has(url))
      if (!wasLost || whenLost !== 'resubmit' || left.size === 0 || others.length === 0) throw error
      lost.add(market)
      options.onPassedOver?.(market, error as MusterError)
    } finally {
      if (outcome === undefined && whenLeft === 'cancel' && !wasLost) {
        await callRoute(connection, cancelJobRoute, { params: { job: job.id } }, { isIdempotent: true }).catch(
          () => undefined,
        )
      }
    }
    if (wasLost) continue
    if (outcome !== 'succeeded') throw failure(job.id, market, outcome ?? 'failed', abandoned)
    return
  }
}
