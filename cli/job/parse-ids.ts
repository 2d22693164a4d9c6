import { isId, MusterError, parseAttemptId, parseId, type JobId } from '@muster/sdk'

export const parseJobId = (text: string): JobId => parseId('job', text)

/** A job, one of its tasks (`<job>.<index>`) or one attempt of it (`<job>.<index>.<fence>`). */
export interface JobPart {
  readonly job: JobId
  readonly index?: number
  readonly fence?: number
}

/** Throws `request_invalid`. */
export const parseJobPart = (text: string): JobPart => {
  if (isId('job', text)) return { job: text }
  const attempt = parseAttemptId(text)
  if (attempt !== undefined) return attempt
  const [job = '', index = ''] = text.split('.')
  if (isId('job', job) && /^\d{1,7}$/.test(index) && text === `${job}.${index}`) return { job, index: Number(index) }
  throw new MusterError({
    code: 'request_invalid',
    message: 'This names no job, task or attempt: expected <job>, <job>.<index> or <job>.<index>.<fence>.',
    facts: { expected: 'job_….<index>.<fence>', found: text.slice(0, 80) },
  })
}
