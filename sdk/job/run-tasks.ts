import { cancelJobRoute, fromProblem, MusterError, type JobView, type TimelineEvent } from '@muster/protocol'
import { callRoute } from '../client/call-route.ts'
import type { Connection } from '../client/connection.ts'
import type { JobSpecInput } from './check-spec.ts'
import { createTaskFinder, type FinishedTask } from './finished-tasks.ts'
import { submitJob } from './submit-job.ts'
import { watchJob } from './watch-job.ts'

export interface RunTasksOptions {
  readonly signal?: AbortSignal | undefined
  readonly onSubmit?: (job: JobView) => void
  readonly onEvent?: (event: TimelineEvent) => void
  readonly onReconnect?: (error: MusterError) => void
  /** What becomes of the job when the loop is left early, by a break, an error or the signal. Default `cancel`. */
  readonly whenLeft?: 'cancel' | 'leave'
}

const failureOf = (job: JobView, outcome: string, abandoned: readonly TimelineEvent[]): MusterError => {
  if (outcome === 'cancelled') {
    return new MusterError({ code: 'cancelled', message: `Job ${job.id} was cancelled.`, facts: { job: job.id } })
  }
  const [first] = abandoned
  const cause = first?.problem === undefined ? undefined : fromProblem(first.problem)
  const tasks = abandoned.flatMap((event) => event.tasks ?? []).map(({ index }) => index)
  return new MusterError({
    code: cause?.code ?? 'attempts_exhausted',
    message: `Job ${job.id} failed: ${cause?.message ?? 'tasks were given up.'}`,
    facts: { ...cause?.facts, job: job.id, failed: tasks.length, tasks: tasks.slice(0, 20) },
    ...(cause === undefined ? {} : { fault: cause.fault, cause }),
    retry: 'never',
  })
}

/**
 * Submits a job and gives each task as it is accepted, in the order they finish. A task that is overturned afterwards comes again
 * with a higher fence. Once all have come the job is closed; if tasks were given up it rejects then, with the first one's problem.
 * Rejects as `submitJob` and `watchJob`.
 */
export async function* runTasks(
  connection: Connection,
  spec: JobSpecInput,
  { signal, onSubmit, onEvent, onReconnect, whenLeft = 'cancel' }: RunTasksOptions = {},
): AsyncGenerator<FinishedTask, void, undefined> {
  const job = await submitJob(connection, spec, { signal })
  onSubmit?.(job)
  const finished = createTaskFinder()
  const abandoned: TimelineEvent[] = []
  let outcome: TimelineEvent['outcome']
  try {
    for await (const event of watchJob(connection, job.id, {
      signal,
      ...(onReconnect === undefined ? {} : { onReconnect }),
    })) {
      outcome = event.outcome
      onEvent?.(event)
      if (event.type === 'abandoned') abandoned.push(event)
      yield* finished(event)
    }
  } finally {
    if (outcome === undefined && whenLeft === 'cancel') {
      await callRoute(connection, cancelJobRoute, { params: { job: job.id } }, { isIdempotent: true }).catch(
        () => undefined,
      )
    }
  }
  if (outcome !== 'succeeded') throw failureOf(job, outcome ?? 'failed', abandoned)
}
