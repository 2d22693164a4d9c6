import { cidOf, inlineBlobBytes, MusterError, toProblem } from '@muster/protocol'
import type { HeldAttempt, HeldLease, HeldOutput } from '../book/book.ts'
import { makeClaim } from '../claim/make-claim.ts'
import type { AgentContext } from '../context.ts'
import type { Workload, WorkloadOutput, WorkloadResult } from '../workload/workload.ts'
import { describeFailure } from './describe-failure.ts'
import { failAttempt } from './fail-attempt.ts'
import { unpinNeeds } from './forget-attempt.ts'
import { readBlobOf } from './prepare-attempt.ts'

const requireWorkload = ({ workloads }: AgentContext, { start }: HeldAttempt): Workload => {
  const workload = workloads.get(start.runtime)
  if (workload !== undefined) return workload
  throw new MusterError({
    code: 'workload_failed',
    message: 'This agent does not run this kind of work.',
    facts: { runtime: start.runtime },
    fault: 'market',
  })
}

const runWorkload = async (
  context: AgentContext,
  lease: HeldLease,
  attempt: HeldAttempt,
  workload: Workload,
): Promise<WorkloadResult> => {
  const { id, start, abort } = attempt
  const { memoryBytes, cpuMilli } = lease.reservation.signed.record.resources
  const timer = context.world.after(start.timeoutMs, () => {
    const problem = new MusterError({
      code: 'program_timeout',
      message: `This attempt did not finish within its ${start.timeoutMs} ms.`,
      facts: { timeoutMs: start.timeoutMs },
    })
    failAttempt(context, attempt, toProblem(problem))
  })
  try {
    return await workload.run(
      {
        attempt: id,
        group: lease.signed.record.tenant,
        program: start.program,
        inputs: start.inputs,
        limits: { timeoutMs: start.timeoutMs, memoryBytes, cpuMilli },
        readBlob: readBlobOf(context, attempt),
        log: (line) => context.logBook.add(id, line),
      },
      abort.signal,
    )
  } finally {
    timer.cancel()
  }
}

const keepOutputs = async ({ blobs }: AgentContext, outputs: readonly WorkloadOutput[]): Promise<HeldOutput[]> => {
  const held: HeldOutput[] = []
  try {
    for (const { name, bytes } of outputs) {
      const cid = cidOf(bytes)
      blobs.pin(cid)
      held.push({ name, cid, bytes: bytes.length <= inlineBlobBytes ? bytes : null })
      await blobs.put(cid, bytes)
    }
    return held
  } catch (error) {
    for (const { cid } of held) blobs.unpin(cid)
    throw error
  }
}

/**
 * Runs an attempt on a slot of its lease and hands how it ended to the outbox. Resolves when the slot is free again.
 * What was cancelled or has ended otherwise in the meantime leaves no trace.
 */
export const runAttempt = async (context: AgentContext, lease: HeldLease, attempt: HeldAttempt): Promise<void> => {
  const { world, book, logBook, outbox } = context
  const isOver = (): boolean =>
    context.signal.aborted || book.attempts.get(attempt.id) !== attempt || attempt.phase !== 'running'
  attempt.phase = 'running'
  const startedAt = world.now()
  const startedElapsed = world.elapsed()
  try {
    const workload = requireWorkload(context, attempt)
    const result = await runWorkload(context, lease, attempt, workload)
    const slotMs = Math.max(0, Math.round(world.elapsed() - startedElapsed))
    if (isOver()) return
    const outputs = result.outputs.length === 0 ? [] : await keepOutputs(context, result.outputs)
    if (isOver()) {
      for (const { cid } of outputs) context.blobs.unpin(cid)
      return
    }
    attempt.outputs = outputs
    unpinNeeds(context, attempt)
    attempt.phase = 'ended'
    const { cpuMs, peakMemoryBytes } = result
    const meter = { slotMs, cpuMs: Math.round(cpuMs), peakMemoryBytes: Math.round(peakMemoryBytes) }
    const endedAt = Math.max(startedAt, world.now())
    attempt.ending = {
      claim: makeClaim(attempt, context.signer.address, workload.execSpec, { meter, startedAt, endedAt }),
    }
    logBook.add(attempt.id, `done in ${slotMs} ms`)
    outbox.add(attempt)
  } catch (error) {
    if (isOver()) return
    if (!(error instanceof MusterError)) context.log.error('a workload failed', { attempt: attempt.id, error })
    failAttempt(context, attempt, describeFailure(error))
  }
}
