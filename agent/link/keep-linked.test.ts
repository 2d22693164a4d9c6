import { expect, test } from 'vitest'
import {
  MusterError,
  systemWorld,
  type Address,
  type AgentHandlers,
  type ErrorCode,
  type LinkCloseReason,
  type MarketPeer,
  type World,
} from '@muster/protocol'
import { keepLinked } from './keep-linked.ts'

const market = `0x${'11'.repeat(20)}` as Address
const handlers: AgentHandlers = {
  onCall: () => Promise.reject(new Error('not called')),
  onMessage: () => {},
  onPutBlob: () => Promise.resolve(),
  onGetBlob: async function* () {},
}

type Turn =
  | { readonly refused: ErrorCode; readonly retryAfterMs?: number; readonly facts?: object }
  | { readonly closed: LinkCloseReason }

/** Runs through these turns; the signal is aborted after the last. Waits take no time and are written down. */
const run = async (turns: readonly Turn[]) => {
  const controller = new AbortController()
  const waits: number[] = []
  const story: string[] = []
  const dialled: number[] = []
  let epoch = 10
  let elapsed = 0
  const world: World = {
    ...systemWorld,
    elapsed: () => elapsed,
    random: (count) => new Uint8Array(count).fill(255),
    after: (delayMs, action) => {
      waits.push(Math.round(delayMs))
      return systemWorld.after(0, action)
    },
  }
  const left = [...turns]
  const dial = async (at: number): Promise<MarketPeer> => {
    dialled.push(at)
    const turn = left.shift()
    if (turn === undefined) throw new Error('dialled too often')
    if ('refused' in turn) {
      const { refused: code, facts = {}, ...rest } = turn
      throw new MusterError({ code, message: 'No.', facts: { ...facts }, ...rest })
    }
    return {
      market,
      send: () => {},
      close: () => story.push('close'),
      get closed() {
        elapsed += turn.closed === 'shutdown' ? 60_000 : 10
        return Promise.resolve(turn.closed)
      },
    }
  }
  const ended = await keepLinked(
    {
      dial,
      nextEpoch: (atLeast) => Promise.resolve((epoch = Math.max(epoch + 1, atLeast))),
      handlers,
      onLinked: () => {
        story.push('linked')
        if (left.length === 0) controller.abort()
      },
      onUnlinked: (reason) => story.push(reason instanceof MusterError ? reason.code : reason),
    },
    { world, signal: controller.signal },
  ).then(
    () => 'resolved',
    (error: unknown) => (error instanceof MusterError ? error.code : String(error)),
  )
  return { ended, waits, story, dialled }
}

test('dials again after every loss, with a new epoch and a longer wait', async () => {
  const lost: Turn = { closed: 'lost' }
  expect(await run([{ refused: 'link_closed' }, { refused: 'unavailable' }, lost, { closed: 'silent' }, lost])).toEqual(
    {
      ended: 'resolved',
      story: ['link_closed', 'unavailable', 'linked', 'lost', 'linked', 'silent', 'linked', 'close', 'lost'],
      waits: [400, 800, 1600, 3200],
      dialled: [11, 12, 13, 14, 15],
    },
  )
})

test('a link that lasted makes the next wait short again', async () => {
  const { waits } = await run([
    { refused: 'link_closed' },
    { refused: 'link_closed' },
    { closed: 'shutdown' },
    { refused: 'link_closed' },
    { closed: 'lost' },
  ])
  expect(waits).toEqual([400, 800, 400, 800])
})

test.each<ErrorCode>(['link_superseded', 'signature_invalid', 'forbidden'])('stops at %s', async (code) => {
  const { ended, dialled } = await run([{ refused: code }, { closed: 'lost' }])
  expect({ ended, dialled }).toEqual({ ended: code, dialled: [11] })
})

test('goes on from the epoch of an agent with its key that is gone, and stops where one is there', async () => {
  const gone = { isGone: true, newest: 500 }
  const restored = await run([{ refused: 'link_superseded', facts: gone }, { closed: 'lost' }])
  expect(restored).toMatchObject({ ended: 'resolved', dialled: [11, 501] })
  const again = await run([
    { refused: 'link_superseded', facts: gone },
    { refused: 'link_superseded', facts: gone },
    { closed: 'lost' },
  ])
  expect(again).toMatchObject({ ended: 'link_superseded', dialled: [11, 501] })
  const copied = await run([{ refused: 'link_superseded', facts: { newest: 500 } }, { closed: 'lost' }])
  expect(copied).toMatchObject({ ended: 'link_superseded', dialled: [11] })
})

test('stops when another agent with its key takes over, and says so', async () => {
  const { ended, story } = await run([{ closed: 'superseded' }, { closed: 'lost' }])
  expect({ ended, story }).toEqual({ ended: 'link_superseded', story: ['linked', 'superseded'] })
})

test('tries slowly while its clock is wrong, and no sooner than it is told', async () => {
  const { waits } = await run([
    { refused: 'clock_skewed' },
    { refused: 'rate_limited', retryAfterMs: 9_000 },
    { closed: 'lost' },
  ])
  expect(waits).toEqual([30_000, 9_000])
})

test('an abort while dialling ends at once, and the peer that comes too late is closed', async () => {
  const controller = new AbortController()
  const late = Promise.withResolvers<MarketPeer>()
  const ended = keepLinked(
    {
      dial: () => late.promise,
      nextEpoch: () => Promise.resolve(1),
      handlers,
      onLinked: () => expect.unreachable(),
      onUnlinked: () => expect.unreachable(),
    },
    { world: systemWorld, signal: controller.signal },
  )
  await Promise.resolve()
  await Promise.resolve()
  controller.abort()
  await ended
  const closed = new Promise<void>((resolve) =>
    late.resolve({ market, send: () => {}, close: resolve, closed: Promise.resolve('shutdown') }),
  )
  await closed
})
