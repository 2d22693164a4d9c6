import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../digest/digest.ts'
import { MusterError } from '../error/muster-error.ts'
import { parseId } from '../id/id.ts'
import { countAttempts, liveAttempt, newTask, stepTask, taskPhase, type TaskState, type TaskStep } from './task.ts'

const lease = parseId('lease', 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY')
const receipt = parseId('receipt', 'rcp_01K5KRN0M0ABCDEFGHJKMNPQRZ')
const claim = digestOf('claim')

const stepOf = (type: TaskStep['type'], fence: number): TaskStep => {
  switch (type) {
    case 'dispatched':
      return { type, fence, lease }
    case 'claimed':
      return { type, fence, claim }
    case 'accepted':
      return { type, fence, receipt }
    case 'abandoned':
    case 'withdrawn':
      return { type }
    default:
      return { type, fence }
  }
}

const types: TaskStep['type'][] = [
  'dispatched',
  'claimed',
  'accepted',
  'finalised',
  'overturned',
  'lost',
  'failed',
  'cancelled',
  'abandoned',
  'withdrawn',
]

// A fence near the newest, so that most steps name a real attempt and many name one that was replaced.
const step = fc.record({ type: fc.constantFrom(...types), behind: fc.integer({ min: -1, max: 2 }) })
const likelyStep = fc.record({
  type: fc.constantFrom<TaskStep['type'][]>(
    'dispatched',
    'claimed',
    'accepted',
    'lost',
    'failed',
    'overturned',
    'finalised',
  ),
  behind: fc.constant(0),
})
const steps = fc.array(fc.oneof(step, { arbitrary: likelyStep, weight: 3 }), { maxLength: 60, size: 'max' })

interface Paid {
  readonly accepted: number[]
  readonly overturned: number[]
  readonly final: number[]
}

const fenceOf = (task: TaskState, type: TaskStep['type'], behind: number): number =>
  type === 'dispatched' ? task.fence + 1 - behind : task.fence - behind

const check = (task: TaskState, paid: Paid): void => {
  expect(task.fence).toBe(task.attempts.length)
  expect(task.attempts.map(({ fence }) => fence)).toEqual(task.attempts.map((_, index) => index + 1))
  const standing = paid.accepted.filter((fence) => !paid.overturned.includes(fence))
  expect(standing.length).toBeLessThanOrEqual(1)
  expect(paid.final.length).toBeLessThanOrEqual(1)
  expect(countAttempts(task, 'accepted') + countAttempts(task, 'final')).toBe(standing.length)
  const live = task.attempts.filter(({ phase }) => ['running', 'claimed', 'accepted', 'final'].includes(phase))
  expect(live.length).toBeLessThanOrEqual(1)
  expect(liveAttempt(task)).toBe(live[0])
  const inPhase = {
    waiting: task.ended === null && live.length === 0,
    running: live[0]?.phase === 'running' || live[0]?.phase === 'claimed',
    accepted: live[0]?.phase === 'accepted',
    final: live[0]?.phase === 'final',
    abandoned: task.ended === 'abandoned',
    cancelled: task.ended === 'cancelled',
  }
  expect(Object.values(inPhase).filter(Boolean)).toHaveLength(1)
  expect(inPhase[taskPhase(task)]).toBe(true)
}

describe('a task under any sequence of steps', () => {
  test('is always in one phase, has at most one attempt that counts, and is paid once', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        let task: TaskState = newTask
        const paid: Paid = { accepted: [], overturned: [], final: [] }
        for (const { type, behind } of sequence) {
          const before = task
          Object.freeze(task)
          task.attempts.forEach(Object.freeze)
          Object.freeze(task.attempts)
          const taken = stepOf(type, fenceOf(task, type, behind))
          try {
            task = stepTask(task, taken)
            if (taken.type === 'accepted') paid.accepted.push(taken.fence)
            if (taken.type === 'overturned') paid.overturned.push(taken.fence)
            if (taken.type === 'finalised') paid.final.push(taken.fence)
          } catch (error) {
            expect(error).toBeInstanceOf(MusterError)
            expect(['transition_refused', 'attempt_fenced']).toContain(error instanceof MusterError && error.code)
            expect(task).toBe(before)
          }
          check(task, paid)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('refuses what an attempt says that was replaced, whatever that is', () => {
    const said = fc.constantFrom<
      ('claimed' | 'accepted' | 'finalised' | 'overturned' | 'lost' | 'failed' | 'cancelled')[]
    >('claimed', 'accepted', 'finalised', 'overturned', 'lost', 'failed', 'cancelled')
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.nat(), said, (attempts, old, type) => {
        let task: TaskState = newTask
        for (let fence = 1; fence <= attempts; fence++) {
          if (fence > 1) task = stepTask(task, { type: 'lost', fence: fence - 1 })
          task = stepTask(task, { type: 'dispatched', fence, lease })
        }
        const fence = 1 + (old % (attempts - 1))
        expect(() => stepTask(task, stepOf(type, fence))).toThrow(
          expect.objectContaining({ code: 'attempt_fenced', facts: { expected: attempts, found: fence } }),
        )
      }),
    )
  })
})

test('a task is dispatched with the next fence only', () => {
  for (const fence of [0, 2, -1, 1.5]) {
    expect(() => stepTask(newTask, { type: 'dispatched', fence, lease })).toThrow(
      expect.objectContaining({ code: 'transition_refused' }),
    )
  }
  const running = stepTask(newTask, { type: 'dispatched', fence: 1, lease })
  expect(() => stepTask(running, { type: 'dispatched', fence: 2, lease })).toThrow(
    expect.objectContaining({ code: 'transition_refused' }),
  )
})

test('a task that ended takes nothing more', () => {
  for (const end of ['abandoned', 'withdrawn'] as const) {
    const ended = stepTask(newTask, { type: end })
    for (const type of types) expect(() => stepTask(ended, stepOf(type, 1))).toThrow(MusterError)
  }
})
