import type { TimelineEvent } from '@muster/sdk'
import { describe, expect, test } from 'vitest'
import { styleFor } from '../terminal/style.ts'
import { foldEvents } from './fold-events.ts'

const style = styleFor({ hasColor: false })
const total = 10
let version = 0
const event = (type: string, final: number, tasks = 0, more: Partial<TimelineEvent> = {}): TimelineEvent => ({
  version: ++version,
  at: new Date(2026, 0, 1, 12, 0, 7).getTime(),
  type,
  message: `${type}.`,
  counts: { waiting: total - final, running: 0, accepted: 0, final, abandoned: 0, cancelled: 0 },
  ...(tasks === 0 ? {} : { tasks: Array.from({ length: tasks }, (_, index) => ({ index, fence: 1 })) }),
  ...more,
})
const provider = '0x01' as TimelineEvent['provider'] & string
const other = '0x02' as TimelineEvent['provider'] & string

describe('a timeline on a terminal', () => {
  test('everyday events that follow each other are one line that grows', () => {
    const { add, end } = foldEvents(style)
    expect(add(event('lease-opened', 0)).done).toBe('12:00:07  lease-opened        lease-opened.\n')
    const said = [
      add(event('dispatched', 0, 4, { provider })),
      add(event('dispatched', 0, 3, { provider: other })),
      add(event('claimed', 0)),
      add(event('accepted', 0, 5)),
      add(event('finalised', 5)),
    ]
    expect(said.map(({ done }) => done).join('')).toBe('')
    expect(said.map(({ live }) => live)).toEqual([
      '12:00:07  dispatched          dispatched.',
      '12:00:07  2 events            Sent 7 to 2 providers; 0 of 10 tasks done.',
      '12:00:07  3 events            Sent 7 to 2 providers; 0 of 10 tasks done.',
      '12:00:07  4 events            Sent 7 to 2 providers, accepted 5; 0 of 10 tasks done.',
      '12:00:07  5 events            Sent 7 to 2 providers, accepted 5, paid 5; 5 of 10 tasks done.',
    ])
    expect(end()).toBe(`${said.at(-1)?.live}\n`)
    expect(end()).toBe('')
  })

  test('anything else ends the run, and comes after it', () => {
    const { add } = foldEvents(style)
    add(event('accepted', 0, 2))
    add(event('finalised', 2))
    expect(add(event('lost', 2, 1))).toEqual({
      done: '12:00:07  2 events            Accepted 2, paid 2; 2 of 10 tasks done.\n12:00:07  lost                lost.\n',
      live: '',
    })
    expect(add(event('claimed', 2)).live).toBe('12:00:07  claimed             claimed.')
  })

  test('a run that begins with what is not known before counts nothing it has not seen', () => {
    const { add } = foldEvents(style)
    add(event('finalised', 6))
    expect(add(event('claimed', 6)).live).toBe('12:00:07  2 events            Claims arrived; 6 of 10 tasks done.')
  })
})
