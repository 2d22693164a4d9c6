import { describe, expect, test } from 'vitest'
import { cidOf } from '../digest/cid.ts'
import { digestOf } from '../digest/digest.ts'
import { MusterError } from '../error/muster-error.ts'
import { toProblem } from '../error/problem.ts'
import { parseId } from '../id/id.ts'
import { exampleLeaseId, jobAfter, leaseOpened, submittedEvent } from '../vector/example-job.ts'
import { exampleSigners } from '../vector/example-records.ts'
import { closingEvents } from './closing-events.ts'
import type { AttemptRef, JobEvent } from './job-event.ts'
import { stepJob } from './job.ts'
import { exhaustedTasks } from './judge-task.ts'
import { nextDispatch } from './next-dispatch.ts'
import { slotsWanted } from './slots-wanted.ts'

const claim = digestOf('claim')
const receipt = parseId('receipt', 'rcp_01K5KRN0M0ABCDEFGHJKMNPQRZ')
const outputs = [{ name: 'y', cid: cidOf(Uint8Array.of(1)) }]
const crashed = toProblem(
  new MusterError({ code: 'program_crashed', message: 'The program crashed.', facts: { signal: 'SIGSEGV' } }),
)

const refs = (...pairs: [index: number, fence: number][]): AttemptRef[] =>
  pairs.map(([index, fence]) => ({ index, fence }))
const dispatched = (number: number, ...pairs: [number, number][]): JobEvent => ({
  type: 'dispatched',
  at: 0,
  lease: exampleLeaseId(number),
  attempts: refs(...pairs),
})
const claimed = (...pairs: [number, number][]): JobEvent => ({
  type: 'claimed',
  at: 0,
  attempts: refs(...pairs).map((each) => ({ ...each, claim })),
})
const accepted = (...pairs: [number, number][]): JobEvent => ({
  type: 'accepted',
  at: 0,
  attempts: refs(...pairs).map((each) => ({ ...each, receipt, amount: 7n, outputs })),
})
const finalised = (...pairs: [number, number][]): JobEvent => ({ type: 'finalised', at: 0, attempts: refs(...pairs) })
const failed = (...pairs: [number, number][]): JobEvent => ({
  type: 'failed',
  at: 0,
  attempts: refs(...pairs).map((each) => ({ ...each, problem: crashed })),
})
const lost = (...pairs: [number, number][]): JobEvent => ({ type: 'lost', at: 0, attempts: refs(...pairs) })
const refused = (code: string) => expect.objectContaining({ code })
const planned = (job: ReturnType<typeof jobAfter>, depth = 1, now = 0) =>
  nextDispatch(job, () => depth, now).map(({ lease, attempts }) => [
    lease,
    attempts.map(({ index, fence }) => [index, fence]),
  ])

describe('an event that is refused half-way', () => {
  const running = () =>
    jobAfter(submittedEvent(3), leaseOpened(0, 3), dispatched(0, [0, 1], [1, 1], [2, 1]), claimed([0, 1], [1, 1]))

  test.each<[string, JobEvent]>([
    ['accepts what was not claimed', accepted([0, 1], [1, 1], [2, 1])],
    ['accepts one task twice', accepted([0, 1], [0, 1])],
    ['loses an attempt that is none', lost([0, 1], [9, 1])],
    ['fails a fenced attempt', failed([0, 1], [1, 2])],
    ['pays what was not accepted', finalised([0, 1])],
    ['withdraws a task that runs', { type: 'withdrawn', at: 0, tasks: [0] }],
    ['abandons a task that runs', { type: 'abandoned', at: 0, tasks: [0], problem: crashed }],
    ['dispatches to no lease', dispatched(5, [0, 2])],
    ['closes a lease that holds attempts', { type: 'lease-closed', at: 0, lease: exampleLeaseId(0), reason: 'lost' }],
    ['opens a lease twice', leaseOpened(0, 1)],
    ['closes the job', { type: 'closed', at: 0, outcome: 'failed', refund: 0n }],
    ['submits again', submittedEvent(1)],
  ])('changes nothing where it %s', (_, event) => {
    const job = running()
    const before = structuredClone(job)
    expect(() => stepJob(job, event)).toThrow(MusterError)
    expect(job).toEqual(before)
  })
})

test('a job begins with its submission', () => {
  expect(() => stepJob(undefined, { type: 'cancel-requested', at: 0 })).toThrow(refused('transition_refused'))
})

test('a job is not closed while it holds a lease', () => {
  const done = jobAfter(
    submittedEvent(1),
    leaseOpened(0, 1),
    dispatched(0, [0, 1]),
    claimed([0, 1]),
    accepted([0, 1]),
    finalised([0, 1]),
  )
  const close: JobEvent = { type: 'closed', at: 0, outcome: 'succeeded', refund: 0n }
  expect(() => stepJob(done, close)).toThrow(refused('transition_refused'))
  expect(closingEvents(done, 5)).toEqual([
    { type: 'lease-closed', at: 5, lease: exampleLeaseId(0), reason: 'done' },
    { type: 'closed', at: 5, outcome: 'succeeded', refund: 1_000_000n - 7n },
  ])
})

test('an overturned attempt is not charged and its task waits again', () => {
  const job = jobAfter(submittedEvent(1), leaseOpened(0, 1), dispatched(0, [0, 1]), claimed([0, 1]), accepted([0, 1]))
  expect(job.charged).toBe(7n)
  stepJob(job, { type: 'overturned', at: 0, attempts: refs([0, 1]) })
  expect([job.charged, job.paid, job.counts.waiting, job.outputs.size]).toEqual([0n, 0n, 1, 0])
  expect(planned(job)).toEqual([[exampleLeaseId(0), [[0, 2]]]])
})

describe('the next dispatch', () => {
  test('goes to the emptiest lease first, and no deeper than it may', () => {
    const job = jobAfter(submittedEvent(9), leaseOpened(0, 1), leaseOpened(1, 2), dispatched(0, [0, 1]))
    expect(planned(job, 1)).toEqual([
      [
        exampleLeaseId(1),
        [
          [1, 1],
          [2, 1],
        ],
      ],
    ])
    expect(planned(job, 2)).toEqual([
      [exampleLeaseId(0), [[3, 1]]],
      [
        exampleLeaseId(1),
        [
          [1, 1],
          [2, 1],
          [4, 1],
          [5, 1],
        ],
      ],
    ])
  })

  test('leaves no queue behind one slot while another is idle', () => {
    const job = jobAfter(submittedEvent(3), leaseOpened(0, 2), leaseOpened(1, 1))
    expect(planned(job, 8)).toEqual([
      [
        exampleLeaseId(0),
        [
          [0, 1],
          [2, 1],
        ],
      ],
      [exampleLeaseId(1), [[1, 1]]],
    ])
  })

  test('tries a task that failed somewhere else, where there is somewhere else', () => {
    const once = [submittedEvent(1), leaseOpened(0, 1), dispatched(0, [0, 1]), failed([0, 1])]
    expect(planned(jobAfter(...once))).toEqual([[exampleLeaseId(0), [[0, 2]]]])
    expect(planned(jobAfter(...once, leaseOpened(1, 1)))).toEqual([[exampleLeaseId(1), [[0, 2]]]])
  })

  test('keeps a task that failed for a lease it has not failed on, also while that one is full', () => {
    const events = [
      submittedEvent(3),
      leaseOpened(0, 1),
      leaseOpened(1, 1),
      dispatched(0, [0, 1]),
      dispatched(1, [1, 1]),
    ]
    const job = jobAfter(...events, failed([0, 1]))
    expect(planned(job)).toEqual([[exampleLeaseId(0), [[2, 1]]]])
    stepJob(job, dispatched(0, [2, 1]))
    expect(planned(job)).toEqual([])
    stepJob(job, claimed([2, 1]))
    stepJob(job, accepted([2, 1]))
    expect(planned(job)).toEqual([])
    stepJob(job, claimed([1, 1]))
    stepJob(job, accepted([1, 1]))
    expect(planned(job)).toEqual([[exampleLeaseId(1), [[0, 2]]]])
  })

  test.each<[string, JobEvent]>([
    ['is suspect', { type: 'lease-suspected', at: 0, lease: exampleLeaseId(1) }],
    ['gave notice', { type: 'lease-noticed', at: 0, lease: exampleLeaseId(1) }],
  ])('goes back with a task that failed where every other lease %s', (_, event) => {
    const before = [submittedEvent(2), leaseOpened(0, 1), leaseOpened(1, 1), dispatched(0, [0, 1])]
    const job = jobAfter(...before, dispatched(1, [1, 1]), failed([0, 1]))
    expect(planned(job)).toEqual([])
    stepJob(job, event)
    expect(planned(job)).toEqual([[exampleLeaseId(0), [[0, 2]]]])
  })

  test('prefers another provider to another lease of the one it failed at, and goes back once it failed on all', () => {
    const strange = leaseOpened(2, 1)
    const record = { ...strange.lease.record, provider: exampleSigners.tenant.address }
    const elsewhere: JobEvent = { ...strange, lease: { ...strange.lease, record } }
    const job = jobAfter(submittedEvent(1, 1, 9), leaseOpened(0, 1), leaseOpened(1, 1), elsewhere)
    for (const [fence, lease] of [0, 2, 1, 0].entries()) {
      expect(planned(job)).toEqual([[exampleLeaseId(lease), [[0, fence + 1]]]])
      stepJob(job, dispatched(lease, [0, fence + 1]))
      stepJob(job, failed([0, fence + 1]))
    }
  })

  test.each<[string, JobEvent, number]>([
    ['is suspect', { type: 'lease-suspected', at: 0, lease: exampleLeaseId(0) }, 0],
    ['gave notice', { type: 'lease-noticed', at: 0, lease: exampleLeaseId(0) }, 0],
    ['is closed', { type: 'lease-closed', at: 0, lease: exampleLeaseId(0), reason: 'lost' }, 0],
    ['is paid no longer', { type: 'unmatched', at: 0, missing: 1, problem: crashed }, 1_000_000],
    ['belongs to a job that is being cancelled', { type: 'cancel-requested', at: 0 }, 0],
  ])('leaves out a lease that %s', (_, event, now) => {
    expect(planned(jobAfter(submittedEvent(1), leaseOpened(0, 1), event), 1, now)).toEqual([])
  })
})

describe('slots wanted', () => {
  test('are what was asked for, less what takes work', () => {
    const opened = [submittedEvent(9, 4), leaseOpened(0, 3)]
    expect(slotsWanted(jobAfter(submittedEvent(9, 4)), 0)).toBe(4)
    expect(slotsWanted(jobAfter(...opened), 0)).toBe(1)
    expect(slotsWanted(jobAfter(...opened, { type: 'lease-suspected', at: 0, lease: exampleLeaseId(0) }), 0)).toBe(4)
    expect(slotsWanted(jobAfter(...opened, { type: 'cancel-requested', at: 0 }), 0)).toBe(0)
  })

  test('are no more than the unfinished tasks, and none where nothing waits', () => {
    expect(slotsWanted(jobAfter(submittedEvent(2, 4)), 0)).toBe(2)
    expect(slotsWanted(jobAfter(submittedEvent(1, 4), leaseOpened(0, 1), dispatched(0, [0, 1])), 0)).toBe(0)
  })
})

describe('a task that used up its attempts', () => {
  test('is given up with the last thing that went wrong', () => {
    const job = jobAfter(
      submittedEvent(1, 1, 2),
      leaseOpened(0, 1),
      dispatched(0, [0, 1]),
      failed([0, 1]),
      dispatched(0, [0, 2]),
      failed([0, 2]),
    )
    expect(exhaustedTasks(job, 3)).toEqual([
      {
        type: 'abandoned',
        at: 3,
        tasks: [0],
        problem: expect.objectContaining({
          code: 'attempts_exhausted',
          fault: 'program',
          message: 'Every attempt failed; the last: The program crashed.',
          facts: { task: 0, failures: 2, losses: 0, last: 'program_crashed', signal: 'SIGSEGV' },
        }),
      },
    ])
  })

  test('counts lost machines apart and has more patience with them', () => {
    const events: JobEvent[] = [submittedEvent(1, 1, 2), leaseOpened(0, 1)]
    for (let fence = 1; fence <= 9; fence++) events.push(dispatched(0, [0, fence]), lost([0, fence]))
    expect(exhaustedTasks(jobAfter(...events), 0)).toEqual([])
    events.push(dispatched(0, [0, 10]), lost([0, 10]))
    const [event] = exhaustedTasks(jobAfter(...events), 0)
    expect(event?.problem.message).toBe('Every machine that ran this task was lost.')
  })

  test('has not used them up on machines that are broken', () => {
    const problem = toProblem(new MusterError({ code: 'disk_full', message: 'There is no room left on the disk.' }))
    const events: JobEvent[] = [submittedEvent(1, 1, 1), leaseOpened(0, 1)]
    const fail = (fence: number): JobEvent[] => [
      dispatched(0, [0, fence]),
      { type: 'failed', at: 0, attempts: [{ index: 0, fence, problem }] },
    ]
    for (let fence = 1; fence <= 9; fence++) events.push(...fail(fence))
    expect(exhaustedTasks(jobAfter(...events), 0)).toEqual([])
    const [tenth] = exhaustedTasks(jobAfter(...events, ...fail(10)), 0)
    expect(tenth?.problem).toMatchObject({ fault: 'machine', facts: { failures: 0, losses: 10, last: 'disk_full' } })
    expect(exhaustedTasks(jobAfter(...events, dispatched(0, [0, 10]), failed([0, 10])), 0)).toHaveLength(1)
  })
})

describe('closing', () => {
  test('gives back a lease that is idle and takes no work, and keeps the job open', () => {
    const noticed: JobEvent = { type: 'lease-noticed', at: 0, lease: exampleLeaseId(0) }
    expect(closingEvents(jobAfter(submittedEvent(1), leaseOpened(0, 1), noticed), 1)).toEqual([
      { type: 'lease-closed', at: 1, lease: exampleLeaseId(0), reason: 'returned' },
    ])
    expect(closingEvents(jobAfter(submittedEvent(1), leaseOpened(0, 1, 5)), 5)).toEqual([
      { type: 'lease-closed', at: 5, lease: exampleLeaseId(0), reason: 'expired' },
    ])
  })

  test('withdraws what waits when the tenant cancels, and waits for what runs', () => {
    const job = jobAfter(submittedEvent(2), leaseOpened(0, 1), dispatched(0, [0, 1]), {
      type: 'cancel-requested',
      at: 0,
    })
    expect(closingEvents(job, 1)).toEqual([{ type: 'withdrawn', at: 1, tasks: [1] }])
    stepJob(job, { type: 'cancelled-attempts', at: 1, attempts: refs([0, 1]) })
    expect(closingEvents(job, 2)).toEqual([
      { type: 'withdrawn', at: 2, tasks: [1, 0] },
      { type: 'lease-closed', at: 2, lease: exampleLeaseId(0), reason: 'cancelled' },
      { type: 'closed', at: 2, outcome: 'cancelled', refund: 1_000_000n },
    ])
  })

  test('does nothing to a job that is closed', () => {
    const job = jobAfter(submittedEvent(1), { type: 'withdrawn', at: 0, tasks: [0] })
    const [closed] = closingEvents(job, 1)
    if (closed === undefined) throw new Error('expected the job to close')
    stepJob(job, closed)
    expect(closingEvents(job, 2)).toEqual([])
    expect(slotsWanted(job, 2)).toBe(0)
  })
})

test('an event of 10,000 tasks is folded', () => {
  const all = Array.from({ length: 10_000 }, (_, index): [number, number] => [index, 1])
  const job = jobAfter(
    submittedEvent(10_000),
    leaseOpened(0, 10_000),
    dispatched(0, ...all),
    claimed(...all),
    accepted(...all),
  )
  expect([job.counts.accepted, job.charged]).toEqual([10_000, 70_000n])
})
