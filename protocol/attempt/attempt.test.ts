import { describe, expect, test } from 'vitest'
import { digestOf } from '../digest/digest.ts'
import { parseId } from '../id/id.ts'
import { isLive, startAttempt, stepAttempt, type AttemptPhase, type AttemptState, type AttemptStep } from './attempt.ts'

const claim = digestOf('claim')
const receipt = parseId('receipt', 'rcp_01K5KRN0M0ABCDEFGHJKMNPQRZ')
const started = startAttempt(1, parseId('lease', 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY'))

const steps: Record<AttemptStep['type'], AttemptStep> = {
  claimed: { type: 'claimed', claim },
  accepted: { type: 'accepted', receipt },
  finalised: { type: 'finalised' },
  overturned: { type: 'overturned' },
  lost: { type: 'lost' },
  failed: { type: 'failed' },
  cancelled: { type: 'cancelled' },
}
const types = Object.keys(steps) as AttemptStep['type'][]

const after = (...taken: AttemptStep['type'][]): AttemptState =>
  taken.reduce((attempt, type) => stepAttempt(attempt, steps[type]), started)

const reached: Record<AttemptPhase, AttemptState> = {
  running: started,
  claimed: after('claimed'),
  accepted: after('claimed', 'accepted'),
  final: after('claimed', 'accepted', 'finalised'),
  overturned: after('claimed', 'accepted', 'overturned'),
  lost: after('lost'),
  failed: after('failed'),
  cancelled: after('cancelled'),
}

const table: Record<AttemptPhase, Partial<Record<AttemptStep['type'], AttemptPhase>>> = {
  running: { claimed: 'claimed', lost: 'lost', failed: 'failed', cancelled: 'cancelled' },
  claimed: { accepted: 'accepted', lost: 'lost', failed: 'failed', cancelled: 'cancelled' },
  accepted: { finalised: 'final', overturned: 'overturned' },
  final: {},
  overturned: {},
  lost: {},
  failed: {},
  cancelled: {},
}

describe.each(Object.keys(table) as AttemptPhase[])('an attempt that is %s', (phase) => {
  test.each(types)('asked to be %s does what the table says', (type) => {
    const expected = table[phase][type]
    expect(reached[phase].phase).toBe(phase)
    if (expected === undefined) {
      expect(() => stepAttempt(reached[phase], steps[type])).toThrow(
        expect.objectContaining({
          code: 'transition_refused',
          facts: { machine: 'attempt', from: phase, event: type, fence: 1 },
        }),
      )
    } else expect(stepAttempt(reached[phase], steps[type]).phase).toBe(expected)
  })
})

test('keeps its claim and its receipt', () => {
  expect(reached.final).toMatchObject({ claim, receipt, fence: 1 })
  expect(reached.running).toMatchObject({ claim: null, receipt: null })
})

test('is live until nothing can be paid for it any more', () => {
  const live = (Object.keys(reached) as AttemptPhase[]).filter((phase) => isLive(reached[phase]))
  expect(live).toEqual(['running', 'claimed', 'accepted', 'final'])
})
