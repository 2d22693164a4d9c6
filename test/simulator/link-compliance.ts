import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  cidOf,
  MusterError,
  type Address,
  type AgentHandlers,
  type AgentMessage,
  type DialMarket,
  type Id,
  type LinkLimits,
  type MarketMessage,
  type PeerHandlers,
} from '@muster/protocol'
import { attempt, collect, recordAgent, recordMarket, type MarketRecord } from './link-records.ts'

export interface LinkFixtureAgent {
  readonly address: Address
  readonly dial: DialMarket
  /** Breaks the connection under the link. */
  cut(): void
  /** Nothing passes in either direction, and nobody is told. */
  hold(isHeld: boolean): void
}

export interface LinkFixture {
  /** A new agent with a key of its own, whose clock is off by this much. */
  agent(clockOffsetMs?: number): Promise<LinkFixtureAgent>
  /** The market's node shuts down in good order. */
  shutDown(): Promise<void>
  stop(): Promise<void>
}

export interface LinkFixtureOptions {
  readonly handlers: PeerHandlers
  readonly limits?: Partial<LinkLimits>
}

const cancel = (index: number): MarketMessage => ({ type: 'cancel', attempts: [attempt(index)] })
const notice = (by: number): AgentMessage => ({
  type: 'notice',
  leases: ['lse_01ARZ3NDEKTSV4RRFFQ69G5FAV' as Id<'lease'>],
  by,
})
const blobOf = (byteCount: number, seed: number): Uint8Array =>
  Uint8Array.from({ length: byteCount }, (_, index) => (index * 31 + seed + (index >> 8)) & 255)

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function* neverEnding(): AsyncGenerator<Uint8Array> {
  yield await new Promise<never>(() => {})
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'no error'
  } catch (error) {
    return error instanceof MusterError ? error.code : `not a MusterError: ${String(error)}`
  }
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 5 })
const timeoutMs = 20_000

/** What every agent link must do, over sockets or in memory. */
export const describeLinkCompliance = (
  name: string,
  createFixture: (options: LinkFixtureOptions) => Promise<LinkFixture>,
): void => {
  describe(`${name} agent link`, () => {
    let market: MarketRecord
    let fixture: LinkFixture

    const start = async (limits: Partial<LinkLimits> = {}): Promise<void> => {
      market = recordMarket()
      fixture = await createFixture({ handlers: market.handlers, limits })
    }

    const link = async (overrides: Partial<AgentHandlers> = {}, limits: Partial<LinkLimits> = {}) => {
      await start(limits)
      const agent = await fixture.agent()
      const record = recordAgent(overrides)
      const marketPeer = await agent.dial(7, record.handlers)
      await until(() => expect(market.opened).toHaveLength(1))
      const [peer] = market.opened
      if (peer === undefined) throw new Error('no peer')
      return { agent, record, marketPeer, peer }
    }

    beforeEach(() => {
      market = recordMarket()
    })
    afterEach(() => fixture.stop())

    test('opens with the provider and the epoch it dialled with', async () => {
      const { agent, peer } = await link()
      expect({ provider: peer.provider, epoch: peer.epoch }).toEqual({ provider: agent.address, epoch: 7 })
    })

    test('keeps the order of messages both ways', async () => {
      const { record, marketPeer, peer } = await link()
      for (let i = 0; i < 1000; i++) {
        peer.send(cancel(i))
        marketPeer.send(notice(i))
        if (i % 100 === 0) await delay(1)
      }
      await until(() => expect(record.messages).toHaveLength(1000))
      await until(() => expect(market.messages).toHaveLength(1000))
      expect(record.messages).toEqual(Array.from({ length: 1000 }, (_, i) => cancel(i)))
      expect(market.messages).toEqual(Array.from({ length: 1000 }, (_, i) => notice(i)))
    })

    test('hands the agent no message before its dial has resolved', async () => {
      await start()
      market.handlers.onOpen = (peer) => peer.send(cancel(1))
      const agent = await fixture.agent()
      let isDialled = false
      const early: boolean[] = []
      const record = recordAgent({ onMessage: () => early.push(!isDialled) })
      await agent.dial(1, record.handlers)
      isDialled = true
      await until(() => expect(early).toEqual([false]))
    })

    test('carries inline blobs and problems with facts that are no integers', async () => {
      const { marketPeer, record, peer } = await link()
      peer.send({ type: 'start', batches: [], blobs: [Uint8Array.of(1, 2, 3)] })
      const facts = { ratio: 0.5, nested: [{ amount: 5n }], missing: undefined }
      const problem = {
        code: 'program_crashed',
        message: 'It crashed.',
        facts,
        fault: 'program',
        retry: 'never',
      } as const
      marketPeer.send({ type: 'failures', failures: [{ attempt: attempt(3), problem }] })
      await until(() =>
        expect(record.messages).toEqual([{ type: 'start', batches: [], blobs: [Uint8Array.of(1, 2, 3)] }]),
      )
      await until(() => expect(market.messages).toHaveLength(1))
      expect(market.messages[0]).toMatchObject({ type: 'failures', failures: [{ attempt: attempt(3) }] })
    })

    test('answers calls, many at once', async () => {
      const { peer } = await link()
      expect(await peer.call('holdings', {}, { timeoutMs })).toEqual({ leases: [], attempts: [attempt(1)] })
      const lines = await Promise.all(
        Array.from({ length: 200 }, (_, i) => peer.call('logs', { attempt: attempt(i) }, { timeoutMs })),
      )
      expect(lines.map(({ lines: [line] }) => line)).toEqual(
        Array.from({ length: 200 }, (_, i) => JSON.stringify({ attempt: attempt(i) })),
      )
    })

    test("brings the agent's error with its code, facts, fault and retry", async () => {
      const refusal = new MusterError({
        code: 'capacity_taken',
        message: 'All slots are taken.',
        facts: { free: 0, ratio: '0.5' },
        retryAfterMs: 250,
      })
      const { peer } = await link({ onCall: () => Promise.reject(refusal) })
      await expect(peer.call('holdings', {}, { timeoutMs })).rejects.toMatchObject({
        code: 'capacity_taken',
        message: 'All slots are taken.',
        facts: { free: 0, ratio: '0.5' },
        fault: 'provider',
        retry: 'later',
        retryAfterMs: 250,
      })
    })

    test('an error that is none of ours says only that it is internal', async () => {
      const { peer } = await link({ onCall: () => Promise.reject(new Error('secret path')) })
      const error: unknown = await peer.call('holdings', {}, { timeoutMs }).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'internal' })
      expect(JSON.stringify(error) + String(error)).not.toContain('secret')
    })

    test('a call that is not answered in time, or is cancelled, fails alone', async () => {
      const never = new Promise<never>(() => {})
      const { peer } = await link({ onCall: (call) => (call === 'logs' ? never : Promise.resolve({} as never)) })
      const logs = { attempt: attempt(1) }
      expect(await codeOf(peer.call('logs', logs, { timeoutMs: 30 }))).toBe('timeout')
      const controller = new AbortController()
      const cancelled = codeOf(peer.call('logs', logs, { timeoutMs, signal: controller.signal }))
      controller.abort()
      expect(await cancelled).toBe('cancelled')
      expect(await codeOf(peer.call('logs', logs, { timeoutMs, signal: AbortSignal.abort() }))).toBe('cancelled')
      await peer.call('release', { reservation: 'rsv_01ARZ3NDEKTSV4RRFFQ69G5FAV' as Id<'reservation'> }, { timeoutMs })
    })

    test('carries blobs both ways, of any size', async () => {
      const { peer, record } = await link()
      for (const size of [0, 1, 70_000, 5_000_000]) {
        const bytes = blobOf(size, size)
        const cid = cidOf(bytes)
        await peer.putBlob(cid, inChunks(bytes, 100_000))
        expect(Buffer.compare(record.blobs.get(cid) ?? Uint8Array.of(9), bytes)).toBe(0)
        expect(Buffer.compare(await collect(peer.getBlob(cid, size)), bytes)).toBe(0)
      }
    })

    test('refuses a blob that is not what its name says, either way', async () => {
      const { peer, record } = await link()
      const good = cidOf(blobOf(100_000, 1))
      const bad = blobOf(100_000, 2)
      expect(await codeOf(peer.putBlob(good, inChunks(bad, 10_000)))).toBe('blob_corrupt')
      expect(record.blobs.size).toBe(0)
      record.blobs.set(good, bad)
      expect(await codeOf(collect(peer.getBlob(good, 1_000_000)))).toBe('blob_corrupt')
      expect(await peer.call('holdings', {}, { timeoutMs })).toBeDefined()
    })

    test('says which blob is missing, too large, or could not be stored', async () => {
      const full = new MusterError({ code: 'disk_full', message: 'The disk is full.' })
      const { peer, record } = await link({
        onPutBlob: async (_cid, bytes) => {
          for await (const chunk of bytes) if (chunk.length > 0) throw full
        },
      })
      const bytes = blobOf(2_000_000, 3)
      const cid = cidOf(bytes)
      expect(await codeOf(collect(peer.getBlob(cid, 100)))).toBe('blob_missing')
      record.blobs.set(cid, bytes)
      expect(await codeOf(collect(peer.getBlob(cid, 1_999_999)))).toBe('blob_too_large')
      expect(await codeOf(peer.putBlob(cid, inChunks(bytes, 50_000)))).toBe('disk_full')
      expect(await peer.call('holdings', {}, { timeoutMs })).toBeDefined()
    })

    test('a blob whose source fails is given up, with the reason of the source', async () => {
      const { peer, record } = await link()
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield blobOf(50_000, 4)
        throw new MusterError({ code: 'blob_missing', message: 'The rest is gone.' })
      }
      expect(await codeOf(peer.putBlob(cidOf(blobOf(50_000, 5)), failing()))).toBe('blob_missing')
      expect(record.blobs.size).toBe(0)
    })

    test('a reader may stop in the middle of a blob', async () => {
      const { peer, record } = await link()
      const bytes = blobOf(8_000_000, 6)
      record.blobs.set(cidOf(bytes), bytes)
      for await (const chunk of peer.getBlob(cidOf(bytes), bytes.length)) {
        expect(chunk.length).toBeGreaterThan(0)
        break
      }
      expect(await collect(peer.getBlob(cidOf(bytes), bytes.length))).toHaveLength(bytes.length)
    })

    test('an agent that closes has its last messages read, and both ends say shutdown', async () => {
      const { peer, marketPeer } = await link()
      for (let i = 0; i < 100; i++) marketPeer.send(notice(i))
      marketPeer.close()
      marketPeer.send(notice(100))
      expect(await marketPeer.closed).toBe('shutdown')
      await until(() => expect(market.closed).toEqual([{ epoch: 7, reason: 'shutdown' }]))
      expect(market.messages).toHaveLength(100)
      expect(await codeOf(peer.call('holdings', {}, { timeoutMs }))).toBe('link_closed')
      expect(await codeOf(peer.putBlob(cidOf(blobOf(1, 1)), inChunks(blobOf(1, 1), 1)))).toBe('link_closed')
      expect(await codeOf(collect(peer.getBlob(cidOf(blobOf(1, 1)), 1)))).toBe('link_closed')
      peer.send(cancel(1))
      peer.close('lost')
      expect(market.closed).toHaveLength(1)
    })

    test('a market that shuts down says so, after its last messages, and takes no more agents', async () => {
      const { peer, marketPeer, record, agent } = await link()
      for (let i = 0; i < 100; i++) peer.send(cancel(i))
      await fixture.shutDown()
      expect(await marketPeer.closed).toBe('shutdown')
      expect(record.messages).toHaveLength(100)
      expect(market.closed).toEqual([{ epoch: 7, reason: 'shutdown' }])
      expect(['unavailable', 'link_closed']).toContain(await codeOf(agent.dial(8, record.handlers)))
    })

    test('what a market says right before it shuts down is heard, however new the link', async () => {
      await start()
      market.handlers.onOpen = (peer) => {
        for (let i = 0; i < 100; i++) peer.send(cancel(i))
        peer.close('shutdown')
      }
      const record = recordAgent()
      const agent = await fixture.agent()
      const marketPeer = await agent.dial(1, record.handlers)
      expect(await marketPeer.closed).toBe('shutdown')
      expect(record.messages).toHaveLength(100)
    })

    test('a newer epoch evicts the older agent and tells it so', async () => {
      const { agent, marketPeer, peer } = await link()
      const waiting = codeOf(peer.call('logs', { attempt: attempt(1) }, { timeoutMs }))
      const second = recordAgent()
      await agent.dial(8, second.handlers)
      expect(await marketPeer.closed).toBe('superseded')
      await until(() => expect(market.story).toEqual(['open 7', 'close 7 superseded', 'open 8']))
      expect(['link_closed', 'no error']).toContain(await waiting)
      market.opened[1]?.send(cancel(1))
      await until(() => expect(second.messages).toHaveLength(1))
    })

    test('an epoch that is not newer is refused and harms nobody', async () => {
      const { agent, peer } = await link()
      expect(await codeOf(agent.dial(7, recordAgent().handlers))).toBe('link_superseded')
      expect(await codeOf(agent.dial(3, recordAgent().handlers))).toBe('link_superseded')
      expect(await peer.call('holdings', {}, { timeoutMs })).toBeDefined()
      expect(market.story).toEqual(['open 7'])
    })

    test('epochs of different providers have nothing to do with each other', async () => {
      await link()
      const other = await fixture.agent()
      await other.dial(1, recordAgent().handlers)
      await until(() => expect(market.opened).toHaveLength(2))
      expect(market.closed).toEqual([])
    })

    test('a clock two minutes off is refused with its skew; a few seconds are not', async () => {
      await start()
      for (const offsetMs of [-120_000, 120_000]) {
        const agent = await fixture.agent(offsetMs)
        const error: unknown = await agent.dial(1, recordAgent().handlers).catch((caught: unknown) => caught)
        expect(error).toMatchObject({ code: 'clock_skewed', retry: 'later' })
        const skewMs = error instanceof MusterError ? Number(error.facts['skewMs']) : 0
        expect(Math.abs(skewMs - offsetMs)).toBeLessThan(60_000)
      }
      const close = await fixture.agent(5_000)
      await close.dial(1, recordAgent().handlers)
    })

    test('a broken connection is lost at both ends, and with it what was under way', async () => {
      const never = new Promise<never>(() => {})
      const { agent, peer, marketPeer } = await link({ onCall: () => never })
      const call = codeOf(peer.call('holdings', {}, { timeoutMs }))
      const blob = codeOf(peer.putBlob(cidOf(blobOf(1, 1)), neverEnding()))
      agent.cut()
      expect(await marketPeer.closed).toBe('lost')
      expect(await call).toBe('link_closed')
      expect(await blob).toBe('link_closed')
      await until(() => expect(market.story).toEqual(['open 7', 'close 7 lost']))
    })

    test('silence closes the link at both ends', async () => {
      const { agent, marketPeer } = await link({}, { pingIntervalMs: 60, silentIntervals: 3 })
      agent.hold(true)
      expect(await marketPeer.closed).toBe('silent')
      await until(() => expect(market.closed).toEqual([{ epoch: 7, reason: 'silent' }]))
    })

    test('a quiet link stays open', async () => {
      const { peer } = await link({}, { pingIntervalMs: 40, silentIntervals: 5 })
      await delay(600)
      expect(market.closed).toEqual([])
      expect(await peer.call('holdings', {}, { timeoutMs })).toBeDefined()
    })

    test('a peer that does not read is given up, not buffered for', async () => {
      const { agent, peer } = await link({}, { maxQueuedBytes: 1_000_000 })
      agent.hold(true)
      const blobs = [blobOf(30_000, 1)]
      for (let i = 0; i < 2000 && market.closed.length === 0; i++) {
        peer.send({ type: 'start', batches: [], blobs })
        if (i % 10 === 0) await delay(1)
      }
      expect(market.closed).toEqual([{ epoch: 7, reason: 'lost' }])
      expect(await codeOf(peer.call('holdings', {}, { timeoutMs }))).toBe('link_closed')
    })

    test('a message that is too large is the fault of its sender and harms nobody', async () => {
      const { peer, record } = await link({}, { maxFrameBytes: 10_000 })
      expect(() => peer.send({ type: 'start', batches: [], blobs: [blobOf(20_000, 1)] })).toThrow(
        expect.objectContaining({ code: 'request_invalid' }),
      )
      peer.send(cancel(1))
      await until(() => expect(record.messages).toEqual([cancel(1)]))
    })
  })
}
