import { newId, systemWorld, type JobId } from '@muster/protocol'
import type { JobView, Muster, TimelineEvent, WaitOptions } from '@muster/sdk'
import { expect, test } from 'vitest'
import { openSession } from '../command/session.ts'
import { followJob } from './follow-job.ts'

const lease = (name: string) => name as TimelineEvent['lease'] & string
const provider = '0x00000000000000000000000000000000000000aa' as TimelineEvent['provider'] & string

const timeline = (...events: readonly Partial<TimelineEvent>[]): TimelineEvent[] =>
  events.map((event, index) => ({
    version: index + 1,
    at: 0,
    type: 'submitted',
    message: '',
    counts: { waiting: 2, running: 0, accepted: 0, final: 0, abandoned: 0, cancelled: 0 },
    ...event,
  }))

/** What is drawn at the foot of a terminal after each event. */
const follow = async (events: readonly TimelineEvent[]): Promise<string[]> => {
  const written: string[] = []
  const stream = { write: (text: string) => void written.push(text), isTty: true, columns: 100, rows: 40 }
  const terminal = { stdout: stream, stderr: stream, hasColor: false, elapsed: () => 0 }
  const signal = new AbortController().signal
  const session = openSession({ terminal, env: {}, directory: '.', signal, now: () => 0 }, {})
  const frames: string[] = []
  const waitForJob = async (_: JobId, { onEvent }: WaitOptions) => {
    for (const event of events) {
      onEvent?.(event)
      written.length = 0
      session.progress.print('')
      frames.push(written.join(''))
    }
    return { outcome: 'succeeded' } as JobView
  }
  await followJob(session, { waitForJob } as unknown as Muster, newId(systemWorld, 'job'), { showsEvents: false })
  session.progress.stop()
  return frames
}

test('a provider whose lease was closed and that comes back gets a line that moves again', async () => {
  const frames = await follow(
    timeline(
      {},
      { type: 'lease-opened', lease: lease('a'), provider },
      { type: 'lease-closed', lease: lease('a'), provider, message: 'Closed the lease: refused.' },
      { type: 'lease-opened', lease: lease('b'), provider },
      { type: 'dispatched', lease: lease('b'), provider, tasks: [{ index: 0, fence: 1 }] },
    ),
  )
  expect(frames[2]).toMatch(/✓ 0x/)
  expect(frames[3]).not.toMatch(/✓ 0x/)
  expect(frames[4]).toMatch(/0x\w+…\w+ .*1 handed out/)
  expect(frames[4]?.match(/0x/g)).toHaveLength(1)
})

test('a provider is at work as long as one of its leases is open', async () => {
  const frames = await follow(
    timeline(
      { type: 'lease-opened', lease: lease('a'), provider },
      { type: 'lease-opened', lease: lease('b'), provider },
      { type: 'lease-closed', lease: lease('a'), provider, message: 'Closed the lease: done.' },
      { type: 'lease-closed', lease: lease('b'), provider, message: 'Closed the lease: lost.' },
    ),
  )
  expect(frames[2]).not.toMatch(/[✓✗] 0x/)
  expect(frames[3]).toMatch(/✗ 0x.* lost; its tasks went to others/)
})
