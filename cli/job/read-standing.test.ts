import type { TimelineEvent } from '@muster/sdk'
import { expect, test } from 'vitest'
import { readStanding } from './read-standing.ts'

const counts = { waiting: 0, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 }
type Written = Pick<TimelineEvent, 'type'> & {
  readonly lease?: string
  readonly provider?: string
  readonly of?: readonly (readonly [index: number, fence: number])[]
}
const timeline = (...events: readonly Written[]): TimelineEvent[] =>
  events.map(({ type, of, ...rest }, index) => ({
    ...(rest as Partial<TimelineEvent>),
    type,
    version: index + 1,
    at: 1000 + index,
    message: '',
    counts,
    ...(of === undefined ? {} : { tasks: of.map(([task, fence]) => ({ index: task, fence })) }),
  }))

const opened = timeline(
  { type: 'lease-opened', lease: 'a', provider: 'attic' },
  { type: 'lease-opened', lease: 'b', provider: 'barn' },
  {
    type: 'dispatched',
    lease: 'a',
    provider: 'attic',
    of: [
      [0, 1],
      [1, 1],
    ],
  },
  { type: 'dispatched', lease: 'b', provider: 'barn', of: [[2, 1]] },
)

test('what was handed out is where it was handed to, and how old the oldest is', () => {
  expect(readStanding(opened)).toEqual([
    { provider: 'attic', state: 'open', handedOut: 2, since: 1002 },
    { provider: 'barn', state: 'open', handedOut: 1, since: 1003 },
  ])
})

test.each(['accepted', 'lost', 'failed', 'cancelled-attempts'])('what was %s is no longer there', (type) => {
  const events = [
    ...opened,
    ...timeline({
      type,
      of: [
        [0, 1],
        [2, 1],
      ],
    }),
  ]
  expect(readStanding(events).map(({ handedOut }) => handedOut)).toEqual([1, 0])
})

test('an attempt counts where its newest dispatch went', () => {
  const events = [
    ...opened,
    ...timeline({ type: 'failed', of: [[0, 1]] }, { type: 'dispatched', lease: 'b', provider: 'barn', of: [[0, 2]] }),
  ]
  expect(readStanding(events).map(({ handedOut }) => handedOut)).toEqual([1, 2])
})

test('a lease is as its last event says, and gone when it is closed', () => {
  const events = [...opened, ...timeline({ type: 'lease-suspected', lease: 'a' }, { type: 'lease-closed', lease: 'b' })]
  expect(readStanding(events)).toMatchObject([{ provider: 'attic', state: 'suspected' }])
  expect(readStanding([...events, ...timeline({ type: 'lease-recovered', lease: 'a' })])).toMatchObject([
    { state: 'open' },
  ])
})
