import { describe, expect, test } from 'vitest'
import { cidOf } from '../digest/cid.ts'
import { digestOf } from '../digest/digest.ts'
import { parseId } from '../id/id.ts'
import { attemptId } from '../id/task-id.ts'
import { maxClockSkewMs } from '../link/link-hello.ts'
import { exampleLeaseId, jobAfter, leaseOpened, submittedEvent } from '../vector/example-job.ts'
import {
  exampleClaim,
  exampleLease,
  exampleCommittedSpec,
  exampleSigners,
  exampleSpec,
} from '../vector/example-records.ts'
import { blobListDigest, checkClaim } from './check-claim.ts'
import type { Claim } from './claim.ts'

const { job: id } = exampleLease
const execSpec = digestOf('exec spec')
const [task] = exampleSpec.tasks
const { startsAt } = exampleLease
const now = exampleClaim.endedAt
const [output] = exampleClaim.outputs
if (output === undefined) throw new Error('an output')

/** The graph job of the examples, its first task running as attempt 2 on lease 1. */
const running = () =>
  jobAfter(
    {
      ...submittedEvent(2),
      spec: exampleCommittedSpec,
      execSpec,
      declaredOutputs: [{ name: 'y', dtype: 'float32', dims: null }],
    },
    leaseOpened(0, 1),
    leaseOpened(1, 1),
    { type: 'dispatched', at: 0, lease: exampleLeaseId(0), attempts: [{ index: 0, fence: 1 }] },
    { type: 'lost', at: 0, attempts: [{ index: 0, fence: 1 }] },
    { type: 'dispatched', at: 0, lease: exampleLeaseId(1), attempts: [{ index: 0, fence: 2 }] },
  )

const claim: Claim = {
  ...exampleClaim,
  lease: exampleLeaseId(1),
  attempt: attemptId(id, 0, 2),
  execSpec,
  inputs: blobListDigest(task?.inputs ?? []),
}

test('a claim that answers what was asked names its attempt', () => {
  expect(checkClaim(running(), claim, now)).toEqual({ index: 0, fence: 2 })
})

describe('a claim answers another question where it names', () => {
  test.each<[string, Partial<Claim>]>([
    ['lease', { lease: exampleLeaseId(0) }],
    ['provider', { provider: exampleSigners.tenant.address }],
    ['market', { market: exampleSigners.tenant.address }],
    ['program', { program: cidOf(Uint8Array.of(1)) }],
    ['execSpec', { execSpec: digestOf('another exec spec') }],
    ['execSpec', { execSpec: '' }],
    ['inputs', { inputs: digestOf('other inputs') }],
    ['outputs', { outputs: [] }],
    ['outputs', { outputs: [output, output] }],
    ['outputs', { outputs: [output, { ...output, name: 'z' }] }],
    ['outputs', { outputs: [{ ...output, name: 'z' }] }],
    ['startedAt', { startedAt: startsAt - 2 * maxClockSkewMs - 1 }],
    ['endedAt', { endedAt: claim.startedAt - 1 }],
    ['endedAt', { endedAt: now + 2 * maxClockSkewMs + 1 }],
  ])('another %s', (field, change) => {
    expect(() => checkClaim(running(), { ...claim, ...change }, now)).toThrow(
      expect.objectContaining({ code: 'record_invalid', facts: expect.objectContaining({ field }) }),
    )
  })

  test('a time as far away as clocks may differ, which is none', () => {
    const [startedAt, endedAt] = [startsAt - 2 * maxClockSkewMs, now + 2 * maxClockSkewMs]
    expect(checkClaim(running(), { ...claim, startedAt, endedAt }, now)).toEqual({ index: 0, fence: 2 })
  })

  test('an exec spec or an output, of a job without a program', () => {
    const job = jobAfter(submittedEvent(1), leaseOpened(1, 1), {
      type: 'dispatched',
      at: 0,
      lease: exampleLeaseId(1),
      attempts: [{ index: 0, fence: 1 }],
    })
    const plain: Claim = {
      ...claim,
      attempt: attemptId(id, 0, 1),
      program: null,
      inputs: blobListDigest([]),
      outputs: [],
    }
    expect(() => checkClaim(job, plain, now)).toThrow(expect.objectContaining({ code: 'record_invalid' }))
    const withOutput: Claim = { ...plain, execSpec: '', outputs: [output] }
    expect(() => checkClaim(job, withOutput, now)).toThrow(expect.objectContaining({ code: 'record_invalid' }))
    expect(checkClaim(job, { ...plain, execSpec: '' }, now)).toEqual({ index: 0, fence: 1 })
  })
})

test.each<[string, Claim['attempt'], string]>([
  ['an attempt that was replaced is fenced', attemptId(id, 0, 1), 'attempt_fenced'],
  ['an attempt that has not begun is fenced', attemptId(id, 0, 3), 'attempt_fenced'],
  ['a task that the job does not have is no answer', attemptId(id, 9, 1), 'record_invalid'],
  ['another job is no answer', attemptId(parseId('job', 'job_01K5KRN0M0ABCDEFGHJKMNPQRA'), 0, 2), 'record_invalid'],
])('a claim of %s', (_, attempt, code) => {
  expect(() => checkClaim(running(), { ...claim, attempt }, now)).toThrow(expect.objectContaining({ code }))
})
