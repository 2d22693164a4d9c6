import { MusterError, type JobId, type Muster, type TaskView } from '@muster/sdk'
import { totalTasks } from './show-job.ts'

const sayTasks = (total: number): string =>
  total === 1 ? 'its only task is 0' : `its ${total} tasks are 0 to ${total - 1}`

/** One task of a job. Rejects with `not_found` where the job, or the task in it, does not exist. */
export const findTask = async (muster: Muster, job: JobId, index: number, signal: AbortSignal): Promise<TaskView> => {
  const query = { from: index, limit: 1 }
  const { tasks } = await muster.call('listTasks', { params: { job }, query }, { signal })
  const task = tasks.find((one) => one.index === index)
  if (task !== undefined) return task
  const total = totalTasks(await muster.getJob(job, { signal }))
  throw new MusterError({
    code: 'not_found',
    message: `There is no task ${index} in this job: ${sayTasks(total)}.`,
    facts: { job, task: index },
  })
}
