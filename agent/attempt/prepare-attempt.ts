import { MusterError } from '@muster/protocol'
import type { HeldAttempt } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import type { ReadBlob } from '../workload/workload.ts'

/** Reads blobs for one attempt: from the cache, else from its market. */
export const readBlobOf =
  (context: AgentContext, attempt: HeldAttempt): ReadBlob =>
  (cid, signal) =>
    context.wants.fetch(attempt.market, cid, signal)

/**
 * Brings an attempt's program and inputs onto the machine, outside its time on the slot. Gives nothing where there is
 * nothing to bring. Rejects with what the market says of a blob it lacks, `timeout`, or what the workload refuses.
 */
export const prepareAttempt = (context: AgentContext, attempt: HeldAttempt): Promise<void> | undefined => {
  const { program, inputs, runtime } = attempt.start
  if (program === null && inputs.length === 0) return undefined
  const workload = context.workloads.get(runtime)
  if (workload === undefined) {
    return Promise.reject(
      new MusterError({
        code: 'workload_failed',
        message: 'This agent does not run this kind of work.',
        facts: { runtime },
        fault: 'market',
      }),
    )
  }
  const { signal } = attempt.abort
  attempt.needs = [...(program === null ? [] : [program]), ...inputs.map(({ cid }) => cid)]
  for (const cid of attempt.needs) context.blobs.pin(cid)
  const readBlob = readBlobOf(context, attempt)
  return Promise.all([
    workload.prepare(program, readBlob, signal),
    ...inputs.map(({ cid }) => readBlob(cid, signal)),
  ]).then(() => {})
}
