import { explainIssues, jobSpecSchema, MusterError, sayIssues, type JobSpec } from '@muster/protocol'
import type { z } from 'zod'
import type { DeepReadonly } from '../client/deep-readonly.ts'

/** A job as it is written: what has a default may be left out, and money is a bigint, an integer or decimal text. */
export type JobSpecInput = DeepReadonly<z.input<typeof jobSpecSchema>>

/** The complete spec. Throws `spec_invalid` with every issue (path, expected, found) in `facts.issues`. */
export const checkSpec = (spec: unknown): JobSpec => {
  const parsed = jobSpecSchema.safeParse(spec)
  if (parsed.success) return parsed.data
  const issues = explainIssues(parsed.error, spec, jobSpecSchema)
  throw new MusterError({
    code: 'spec_invalid',
    message: sayIssues('The job’s spec', issues),
    facts: { issues },
    cause: parsed.error,
  })
}
