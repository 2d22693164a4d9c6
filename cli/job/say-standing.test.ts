import { MusterError, toProblem } from '@muster/sdk'
import { expect, test } from 'vitest'
import type { HeldLease } from './read-standing.ts'
import { sayWait } from './say-standing.ts'

const none = { waiting: 0, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 }
const lease = (handedOut: number, provider = 'attic'): HeldLease => ({ provider, state: 'open', handedOut, since: 0 })
const unmatched = toProblem(new MusterError({ code: 'nothing_fits', message: 'None of 2 offers fits.' }))

test.each([
  [
    { running: 5, waiting: 2 },
    [lease(3), lease(2, 'barn')],
    false,
    'It is running: it waits for 5 tasks handed out at 2 machines; 2 more follow as slots come free.',
  ],
  [
    { running: 5 },
    [lease(3), lease(2)],
    false,
    'It is running: it waits for 5 tasks handed out at 1 machine, the last of it.',
  ],
  [
    { running: 1, final: 9 },
    [lease(1), lease(0)],
    false,
    'It is running: it waits for 1 task handed out at 1 machine, the last of it.',
  ],
  [{ waiting: 3 }, [lease(0)], false, '3 tasks will be handed out to 1 machine next.'],
  [{ waiting: 1 }, [], false, '1 task waits for a machine: the market is asking for one.'],
  [{ accepted: 2 }, [], false, 'All work is in; 2 tasks wait to become final.'],
  [{ running: 2 }, [lease(2)], true, 'It was cancelled, and waits for 2 tasks handed out at 1 machine to stop.'],
  [{ cancelled: 2 }, [], true, 'It was cancelled, and is being closed.'],
  [{ final: 2 }, [], false, 'All work is done; it is being closed.'],
])('%j', (counts, leases, isCancelled, sentence) => {
  expect(sayWait({ counts: { ...none, ...counts }, unmatched: null }, leases, isCancelled)).toBe(sentence)
})

test('where nothing fits it waits for an offer', () => {
  expect(sayWait({ counts: { ...none, waiting: 3 }, unmatched }, [], false)).toBe(
    '3 tasks wait for an offer that fits; what is missing is below.',
  )
})
