import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exampleLease, exampleReservation } from '../vector/example-records.ts'
import {
  closeReasons,
  openLease,
  stepLease,
  takesWork,
  type LeasePhase,
  type LeaseState,
  type LeaseStep,
} from './lease-state.ts'

const signature = '0x' as const
const opened = openLease({ record: exampleLease, signature }, { record: exampleReservation, signature })

const step: fc.Arbitrary<LeaseStep> = fc.oneof(
  fc.record({ type: fc.constant('suspected' as const), at: fc.nat() }),
  fc.constant<LeaseStep>({ type: 'recovered' }),
  fc.record({ type: fc.constant('noticed' as const), at: fc.nat() }),
  fc.record({ type: fc.constant('closed' as const), reason: fc.constantFrom(...closeReasons) }),
)

const table: Record<LeasePhase, Partial<Record<LeaseStep['type'], LeasePhase>>> = {
  open: { suspected: 'suspect', noticed: 'open', closed: 'closed' },
  suspect: { recovered: 'open', noticed: 'suspect', closed: 'closed' },
  closed: {},
}

test('a lease follows its table under any sequence of steps', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12, size: 'max' }), fc.nat(), (steps, now) => {
      let state: LeaseState = opened
      let firstNotice: number | null = null
      let suspectSince: number | null = null
      for (const taken of steps) {
        const before = state
        const expected = table[state.phase][taken.type]
        if (expected === undefined) {
          expect(() => stepLease(state, taken)).toThrow(expect.objectContaining({ code: 'transition_refused' }))
          expect(state).toEqual(before)
          continue
        }
        state = stepLease(state, taken)
        if (taken.type === 'noticed') firstNotice ??= taken.at
        if (taken.type === 'suspected') suspectSince = taken.at
        if (taken.type === 'recovered') suspectSince = null
        expect(state.phase).toBe(expected)
        expect(state.noticedAt).toBe(firstNotice)
        expect(state.suspectSince).toBe(suspectSince)
        expect(state.closed).toBe(taken.type === 'closed' ? taken.reason : null)
        expect(takesWork(state, now)).toBe(
          state.phase === 'open' && firstNotice === null && now < exampleLease.paidUntil,
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('a lease takes work until it is paid no longer', () => {
  expect(takesWork(opened, exampleLease.paidUntil - 1)).toBe(true)
  expect(takesWork(opened, exampleLease.paidUntil)).toBe(false)
})
