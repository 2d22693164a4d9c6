import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCanonical, encodeCanonical } from '../cbor/canonical.ts'
import { cidOf } from '../digest/cid.ts'
import { digestOf } from '../digest/digest.ts'
import { toProblem } from '../error/problem.ts'
import { MusterError } from '../error/muster-error.ts'
import type { JobId, LeaseId, ReceiptId, TenantId } from '../id/id.ts'
import type { AgreedAmendment } from '../lease/amendment.ts'
import type { SignedResize } from '../order/resize.ts'
import type { Address } from '../signature/address.ts'
import { liveAttempt } from '../task/task.ts'
import { canonicalEvent } from './canonical-event.ts'
import { commitName } from './commit-spec.ts'
import type { JobEvent } from './job-event.ts'
import { stepJob, type Job } from './job.ts'
import { restoreEvent } from './restore-event.ts'
import { restoreJob, snapshotJob } from './snapshot-job.ts'

const at = 1_800_000_000_000
const signature = `0x${'5'.repeat(130)}` as const
const address = `0x${'a'.repeat(40)}` as Address
const resources = { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 0 }
const price = { nanoUsd: 278n, per: 'task' } as const
const job = 'job_01HZZZZZZZZZZZZZZZZZZZZZZZ' as JobId
const tenant = 'tnt_01HZZZZZZZZZZZZZZZZZZZZZZZ' as TenantId
const leaseIds = [1, 2, 3].map((digit) => `lse_01HZZZZZZZZZZZZZZZZZZZZZZ${digit}` as LeaseId)
const placement = { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} }
const problem = toProblem(new MusterError({ code: 'workload_failed', message: 'No.', facts: { load: 0.7, host: 'a' } }))

const submitted: JobEvent = {
  type: 'submitted',
  at,
  job,
  tenant,
  operators: 12,
  execSpec: digestOf('exec spec'),
  declaredOutputs: [{ name: 'text', dtype: 'float32', dims: ['n', 4] }],
  spec: {
    apiVersion: 'muster/v1',
    kind: 'batch',
    nameCommitment: commitName('pages', `0x${'5'.repeat(64)}`),
    runtime: 'noop',
    program: null,
    tasks: Array.from({ length: 6 }, (_, index) => ({
      inputs: [{ name: 'page', cid: cidOf(Uint8Array.of(index)) }],
    })),
    slots: 3,
    resources,
    placement,
    award: 'lowest',
    maxPrice: price,
    ceiling: 2n ** 60n,
    limits: { taskTimeoutMs: 1000, maxFailures: 3 },
    verify: 'none',
  },
  order: {
    record: {
      kind: 'order',
      id: 'ord_01HZZZZZZZZZZZZZZZZZZZZZZZ' as never,
      market: address,
      tenant,
      custody: 'market',
      job: digestOf('spec'),
      slots: 3,
      resources,
      runtime: 'noop',
      placement,
      award: 'lowest',
      maxPrice: price,
      ceiling: 5n,
      nonce: `0x${'7'.repeat(32)}`,
      issuedAt: at,
      expiresAt: at,
    },
    signature,
  },
}

const opened = (lease: LeaseId): JobEvent => ({
  type: 'lease-opened',
  at,
  lease: {
    record: {
      kind: 'lease',
      id: lease,
      market: address,
      provider: address,
      tenant,
      job,
      order: digestOf('order'),
      reservation: digestOf('reservation'),
      slots: 2,
      resources,
      runtime: 'noop',
      price,
      bond: 1n,
      startsAt: at,
      paidUntil: at + 1,
    },
    signature,
  },
  reservation: {
    record: {
      kind: 'reservation',
      id: 'rsv_01HZZZZZZZZZZZZZZZZZZZZZZZ' as never,
      market: address,
      provider: address,
      order: digestOf('order'),
      offer: 'ofr_01HZZZZZZZZZZZZZZZZZZZZZZZ' as never,
      slots: 2,
      resources,
      gpus: [],
      price,
      issuedAt: at,
      expiresAt: at,
    },
    signature,
  },
})

const amendmentOf = (state: Job, id: LeaseId): AgreedAmendment => {
  const known = state.leases.get(id)
  const record: AgreedAmendment['record'] = {
    kind: 'amendment',
    market: address,
    provider: address,
    job,
    lease: digestOf(known?.lease.record ?? null),
    number: (known?.amendments.length ?? 0) + 1,
    slots: Math.max(1, (known?.slots ?? 2) - 1),
    until: (known?.until ?? at) + 1,
    price,
    issuedAt: at,
  }
  return { record, provider: signature, market: signature }
}

const resizeOf = (state: Job, slots: number): SignedResize => ({
  record: {
    kind: 'resize',
    market: address,
    tenant,
    order: digestOf(state.order.record),
    number: state.resizes.length + 1,
    slots,
    issuedAt: at,
  },
  signature,
})

/** The event a choice stands for, fitted to the state of the job; refused ones are left out by `play`. */
const eventOf = (state: Job, choice: number, index: number, lease: LeaseId): JobEvent => {
  const task = state.tasks[index]
  const fence = (task && liveAttempt(task)?.fence) ?? 1
  const attempts = [{ index, fence }]
  const outputs = [{ name: 'text', cid: cidOf(Uint8Array.of(index, fence)) }]
  const receipt = `rcp_01HZZZZZZZZZZZZZZZZZZZZZ${index}${fence % 10}` as ReceiptId
  const events: JobEvent[] = [
    opened(lease),
    { type: 'dispatched', at, lease, attempts: [{ index, fence: (task?.fence ?? 0) + 1 }] },
    { type: 'dispatched', at, lease, attempts: [{ index, fence: (task?.fence ?? 0) + 1 }] },
    { type: 'claimed', at, attempts: [{ index, fence, claim: digestOf(fence) }] },
    { type: 'accepted', at, attempts: [{ index, fence, receipt, amount: 278n, outputs }] },
    { type: 'finalised', at, attempts },
    { type: 'overturned', at, attempts },
    { type: 'lost', at, attempts },
    { type: 'failed', at, attempts: [{ index, fence, problem }] },
    { type: 'lease-suspected', at, lease },
    { type: 'lease-recovered', at, lease },
    { type: 'lease-noticed', at, lease },
    { type: 'lease-noticed', at, lease, endsAt: at, takesWork: true },
    { type: 'lease-amended', at, lease, amendment: amendmentOf(state, lease) },
    { type: 'resized', at, resize: resizeOf(state, 1 + index) },
    { type: 'lease-closed', at, lease, reason: 'lost' },
    { type: 'unmatched', at, missing: 1, problem },
    { type: 'abandoned', at, tasks: [index], problem },
    { type: 'cancel-requested', at },
    { type: 'withdrawn', at, tasks: [index] },
    { type: 'closed', at, outcome: 'failed', refund: 3n },
  ]
  return events[choice % events.length] ?? submitted
}

const choices = fc.array(fc.tuple(fc.nat(20), fc.nat(5), fc.nat(2)), { maxLength: 80 })

const throughBytes = (event: JobEvent): JobEvent =>
  restoreEvent(decodeCanonical(encodeCanonical(canonicalEvent(event))))

/** Plays the choices the job allows; calls `each` after each. */
const play = (all: readonly [number, number, number][], each: (state: Job, event: JobEvent) => void): Job => {
  let state = stepJob(undefined, throughBytes(submitted))
  for (const [choice, index, lease] of all) {
    const event = throughBytes(eventOf(state, choice, index, leaseIds[lease] ?? ('' as LeaseId)))
    try {
      state = stepJob(state, event)
    } catch (error) {
      if (error instanceof MusterError) continue
      throw error
    }
    each(state, event)
  }
  return state
}

describe('a snapshot of a job', () => {
  test('brings back the same job from its bytes, at every point of its life, also in the order of what waits', () => {
    fc.assert(
      fc.property(choices, (all) => {
        play(all, (state) => {
          const restored = restoreJob(decodeCanonical(encodeCanonical(snapshotJob(state))))
          expect(restored).toEqual(state)
          expect([...restored.waiting]).toEqual([...state.waiting])
          for (const [lease, held] of state.inFlight) {
            expect([...(restored.inFlight.get(lease) ?? [])]).toEqual([...held])
          }
        })
      }),
      { numRuns: 60 },
    )
  })

  test('shares nothing with the job that goes on', () => {
    const state = stepJob(undefined, submitted)
    const restored = restoreJob(snapshotJob(state))
    stepJob(state, { type: 'withdrawn', at, tasks: [0, 1] })
    expect(restored).toEqual(stepJob(undefined, submitted))
  })

  test('of another format is refused', () => {
    expect(() => restoreJob({ ...snapshotJob(stepJob(undefined, submitted)), format: 2 })).toThrow(TypeError)
  })
})

describe('an event in canonical CBOR', () => {
  test('comes back the same, amounts as bigints', () => {
    fc.assert(
      fc.property(choices, (all) => {
        play(all, (_, event) => expect(throughBytes(event)).toEqual(event))
      }),
      { numRuns: 40 },
    )
    expect(throughBytes(submitted)).toEqual(submitted)
    expect(throughBytes(opened(leaseIds[0] ?? ('' as LeaseId)))).toEqual(opened(leaseIds[0] ?? ('' as LeaseId)))
  })
})
