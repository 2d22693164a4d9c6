import { cidOf, inlineBlobBytes, MusterError, toProblem } from '@muster/protocol'
import type { HeldAttempt, HeldLease, HeldOutput } from '../book/book.ts'
import { makeClaim } from '../claim/make-claim.ts'
import type { AgentContext } from '../context.ts'
import type { Workload, WorkloadOutput, WorkloadResult, WorkloadTask } from '../workload/workload.ts'
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

const taskOf = (context: AgentContext, lease: HeldLease, attempt: HeldAttempt): WorkloadTask => {
  const { id, market, start } = attempt
  const { memoryBytes, cpuMilli } = lease.reservation.signed.record.resources
  return {
    attempt: id,
    group: lease.signed.record.tenant,
    program: start.program,
    inputs: start.inputs,
    limits: { timeoutMs: start.timeoutMs, memoryBytes, cpuMilli },
    readBlob: readBlobOf(context, attempt),
    log: (line) => context.logBook.add(id, market, line),
  }
}

/** Ends the attempt where its workload takes longer than it may. */
const limitTime = async (
  context: AgentContext,
  attempt: HeldAttempt,
  running: Promise<WorkloadResult>,
): Promise<WorkloadResult> => {
  const { timeoutMs } = attempt.start
  const timer = context.world.after(timeoutMs, () => {
    const problem = new MusterError({
      code: 'program_timeout',
      message: `This attempt did not finish within its ${timeoutMs} ms.`,
      facts: { timeoutMs },
    })
    failAttempt(context, attempt, toProblem(problem))
  })
  try {
    return await running
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

const isOver = ({ book, signal }: AgentContext, attempt: HeldAttempt): boolean =>
  signal.aborted || book.attempts.get(attempt.id) !== attempt || attempt.phase !== 'running'

/** A run under way: when it began, by the clock and by the time that never steps. */
interface Run {
  readonly workload: Workload
  readonly startedAt: number
  readonly startedElapsed: number
}

const end = (
  context: AgentContext,
  attempt: HeldAttempt,
  { workload, startedAt }: Run,
  slotMs: number,
  { cpuMs, peakMemoryBytes }: WorkloadResult,
): void => {
  unpinNeeds(context, attempt)
  attempt.phase = 'ended'
  const meter = { cpuMs: Math.round(cpuMs), slotMs, peakMemoryBytes: Math.round(peakMemoryBytes) }
  const endedAt = Math.max(startedAt, context.world.now())
  attempt.ending = {
    claim: makeClaim(attempt, context.signer.address, workload.execSpec, { meter, startedAt, endedAt }),
  }
  context.logBook.add(attempt.id, attempt.market, `done in ${slotMs} ms`)
  context.outbox.add(attempt)
}

const slotMsOf = ({ world }: AgentContext, { startedElapsed }: Run): number =>
  Math.max(0, Math.round(world.elapsed() - startedElapsed))

const fail = (context: AgentContext, attempt: HeldAttempt, error: unknown): void => {
  if (isOver(context, attempt)) return
  if (!(error instanceof MusterError)) context.log.error('a workload failed', { attempt: attempt.id, error })
  failAttempt(context, attempt, describeFailure(error))
}

const finish = async (
  context: AgentContext,
  attempt: HeldAttempt,
  run: Run,
  running: Promise<WorkloadResult> | WorkloadResult,
): Promise<void> => {
  try {
    const result = running instanceof Promise ? await limitTime(context, attempt, running) : running
    const slotMs = slotMsOf(context, run)
    if (isOver(context, attempt)) return
    const outputs = await keepOutputs(context, result.outputs)
    if (isOver(context, attempt)) {
      for (const { cid } of outputs) context.blobs.unpin(cid)
      return
    }
    attempt.outputs = outputs
    end(context, attempt, run, slotMs, result)
  } catch (error) {
    fail(context, attempt, error)
  }
}

/**
 * Runs an attempt on a slot of its lease and hands how it ended to the outbox. Resolves when the slot is free again, and
 * gives nothing where that is so at once. What was cancelled or has ended otherwise in the meantime leaves no trace.
 */
export const runAttempt = (
  context: AgentContext,
  lease: HeldLease,
  attempt: HeldAttempt,
): Promise<void> | undefined => {
  const { world } = context
  attempt.phase = 'running'
  try {
    const workload = requireWorkload(context, attempt)
    const run: Run = { workload, startedAt: world.now(), startedElapsed: world.elapsed() }
    const running = workload.run(taskOf(context, lease, attempt), attempt.abort.signal)
    if (running instanceof Promise || running.outputs.length > 0) return finish(context, attempt, run, running)
    end(context, attempt, run, slotMsOf(context, run), running)
  } catch (error) {
    fail(context, attempt, error)
  }
  return undefined
}
