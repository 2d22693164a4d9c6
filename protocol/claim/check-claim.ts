import { digestOf, type Digest } from '../digest/digest.ts'
import { MusterError } from '../error/muster-error.ts'
import type { LeaseId } from '../id/id.ts'
import { parseAttemptId } from '../id/task-id.ts'
import type { AttemptRef } from '../job/job-event.ts'
import type { Job } from '../job/job.ts'
import { maxClockSkewMs } from '../link/link-hello.ts'
import { liveAttempt } from '../task/task.ts'
import type { Claim, NamedBlob } from './claim.ts'

const byName = (a: NamedBlob, b: NamedBlob): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

const noBlobs = digestOf([])

/** Digest of a task's inputs or outputs: canonical CBOR of the list of `{name, cid}`, sorted by name. */
export const blobListDigest = (blobs: readonly NamedBlob[]): Digest =>
  blobs.length === 0 ? noBlobs : digestOf([...blobs].sort(byName).map(({ name, cid }) => ({ name, cid })))

type Wrong = readonly [field: string, expected: unknown, found: unknown] | undefined

/** The lease, and what the job and its task asked for. */
const wrongFacts = (job: Job, claim: Claim, index: number, lease: LeaseId): Wrong => {
  if (claim.lease !== lease) return ['lease', lease, claim.lease]
  const provider = job.leases.get(lease)?.provider
  if (claim.provider !== provider) return ['provider', provider, claim.provider]
  const { market } = job.order.record
  if (claim.market !== market) return ['market', market, claim.market]
  if (claim.program !== job.spec.program) return ['program', job.spec.program, claim.program]
  if (claim.execSpec !== job.execSpec) return ['execSpec', job.execSpec, claim.execSpec]
  const inputs = blobListDigest(job.spec.tasks[index]?.inputs ?? [])
  return claim.inputs === inputs ? undefined : ['inputs', inputs, claim.inputs]
}

/** Every output the program declares, each once, and nothing else. */
const wrongOutputs = ({ declaredOutputs }: Job, { outputs }: Claim): Wrong => {
  if (outputs.length === 0 && declaredOutputs.length === 0) return undefined
  const names = new Set(outputs.map(({ name }) => name))
  if (
    outputs.length === declaredOutputs.length &&
    names.size === outputs.length &&
    declaredOutputs.every(({ name }) => names.has(name))
  )
    return undefined
  return ['outputs', declaredOutputs.map(({ name }) => name), outputs.map(({ name }) => name)]
}

/** It began once the lease had, ended after it began, and has ended: as far as two clocks can differ from the network's. */
const wrongTimes = ({ startedAt, endedAt }: Claim, startsAt: number, now: number): Wrong => {
  const [earliest, latest] = [startsAt - 2 * maxClockSkewMs, now + 2 * maxClockSkewMs]
  if (startedAt < earliest) return ['startedAt', `${earliest} or later`, startedAt]
  if (endedAt < startedAt) return ['endedAt', `${startedAt} or later`, endedAt]
  return endedAt > latest ? ['endedAt', `${latest} or earlier`, endedAt] : undefined
}

/**
 * Whether a claim, at `now` on the market's clock, is about what the job asked for: an attempt that is still wanted, of this
 * lease, with the job's program, under its exec spec, the task's inputs and the program's outputs, at a time that can be.
 * Throws `attempt_fenced` for one that was replaced or has ended, `record_invalid` for one that answers another question.
 */
export const checkClaim = (job: Job, claim: Claim, now: number): AttemptRef => {
  const name = parseAttemptId(claim.attempt)
  const task = name === undefined || name.job !== job.id ? undefined : job.tasks[name.index]
  if (name === undefined || task === undefined) {
    throw new MusterError({
      code: 'record_invalid',
      message: 'This claim names no attempt of the job.',
      facts: { expected: `${job.id}.<index>.<fence>`, found: claim.attempt },
    })
  }
  const live = liveAttempt(task)
  if (live === undefined || live.fence !== name.fence || (live.phase !== 'running' && live.phase !== 'claimed')) {
    throw new MusterError({
      code: 'attempt_fenced',
      message: 'This attempt was replaced or has ended; its claim is refused and it is not paid.',
      facts: { attempt: claim.attempt, expected: live?.fence ?? task.fence, found: name.fence },
    })
  }
  const wrong =
    wrongFacts(job, claim, name.index, live.lease) ??
    wrongOutputs(job, claim) ??
    wrongTimes(claim, job.leases.get(live.lease)?.lease.record.startsAt ?? 0, now)
  if (wrong !== undefined) {
    const [field, expected, found] = wrong
    throw new MusterError({
      code: 'record_invalid',
      message: `This claim answers another question: ${field} is not what was asked.`,
      facts: { attempt: claim.attempt, field, expected, found },
    })
  }
  return { index: name.index, fence: name.fence }
}
