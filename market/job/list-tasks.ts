import { taskPhase, type Job, type TaskView } from '@muster/protocol'

/** Tasks of a job by index, as the API shows them. */
export const listTasks = (job: Job, from: number, limit: number): TaskView[] =>
  job.tasks.slice(from, from + limit).map((task, offset) => {
    const index = from + offset
    return {
      index,
      phase: taskPhase(task),
      attempts: task.attempts.flatMap(({ fence, lease, phase }) => {
        const provider = job.leases.get(lease)?.provider
        return provider === undefined ? [] : [{ fence, provider, phase }]
      }),
      outputs: [...(job.outputs.get(index) ?? [])],
      amount: job.amounts.get(index) ?? null,
      problem: job.problems.get(index) ?? null,
    }
  })
