import { z } from 'zod'
import { jobFileSchema } from './job-file.ts'

const jobSchema = (): object => ({
  ...z.toJSONSchema(jobFileSchema, { io: 'input', target: 'draft-2020-12' }),
})

/** The JSON Schema of a job file, as docs/spec/job.schema.json publishes it for editors. */
export const jobSchemaText = (): string => `${JSON.stringify(jobSchema(), undefined, 2)}\n`
