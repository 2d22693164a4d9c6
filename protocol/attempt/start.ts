import type { Cid } from '../digest/cid.ts'
import type { NamedBlob } from '../claim/claim.ts'
import type { LeaseId } from '../id/id.ts'
import { attemptId, type AttemptId } from '../id/task-id.ts'
import type { StartBatch } from '../link/link-message.ts'
import type { RuntimeKind } from '../resource/resources.ts'

/** One attempt as an agent is asked to run it. */
export interface Start {
  readonly attempt: AttemptId
  readonly lease: LeaseId
  readonly runtime: RuntimeKind
  readonly program: Cid | null
  readonly inputs: readonly NamedBlob[]
  readonly timeoutMs: number
}

/** The attempts of a batch, each with all it needs. */
export const startsOf = ({ job, lease, runtime, program, timeoutMs, tasks }: StartBatch): Start[] =>
  tasks.map(({ index, fence, inputs }) => ({
    attempt: attemptId(job, index, fence),
    lease,
    runtime,
    program,
    inputs,
    timeoutMs,
  }))
