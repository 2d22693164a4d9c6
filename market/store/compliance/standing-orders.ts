import {
  jobSpecSchema,
  stepStandingOrder,
  type StandingEvent,
  type StandingOrder,
  type StandingState,
  type TenantId,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import type { StoredStandingOrder } from '../standing-order-store.ts'
import { at, someCid, someId } from '../test-records.ts'
import { refusal, type OpenStore } from './expectations.ts'

const spec = jobSpecSchema.parse({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'standing',
  runtime: 'noop',
  program: null,
  tasks: [{ inputs: [] }],
  slots: 2,
  resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0 },
  maxPrice: { nanoUsd: '1000', per: 'task' },
  ceiling: '9007199254740993',
})

const placed = (tenant: TenantId, placedAt = at) => {
  const terms = { times: null, until: at + 1_000, cooldownMs: 0, atMost: 2n ** 60n }
  const order: StandingOrder = { id: someId('standing-order'), tenant, spec, execSpec: '', terms, orders: [], placedAt }
  const events: StandingEvent[] = [{ type: 'placed', at: placedAt }]
  const text = { subject: order.id, tenant, sealed: Uint8Array.of(1, 255) }
  return { order, state: fold(order, undefined, events), events, text }
}

const fold = (
  order: StandingOrder,
  state: StandingState | undefined,
  events: readonly StandingEvent[],
): StandingState => {
  const last = events.reduce<StandingState | undefined>(
    (now, event) => stepStandingOrder(order.terms, now, event),
    state,
  )
  if (last === undefined) throw new Error('no events')
  return last
}

const stored = ({ order, state }: StoredStandingOrder): StoredStandingOrder => ({ order, state })

export const describeStandingOrders = (under: OpenStore): void => {
  describe('standing orders', () => {
    const advance = (from: StoredStandingOrder, ...events: StandingEvent[]) => {
      const state = fold(from.order, from.state, events)
      const next = { order: from.order, state }
      const done = under.store.standingOrders.advance({
        id: from.order.id,
        expectedVersion: from.state.version,
        state,
        events,
      })
      return { next, done }
    }

    test('are kept once, as they were placed', async () => {
      const { standingOrders } = under.store
      const tenant = someId('tenant')
      const first = placed(tenant)
      const { id } = first.order
      expect(await standingOrders.place(first, [])).toBe(true)
      const again = { ...first, text: { ...first.text, sealed: Uint8Array.of(2) } }
      expect(await standingOrders.place(again, [])).toBe(false)
      expect([...((await under.store.personal.texts([id])).get(id) ?? [])]).toEqual([1, 255])
      expect(await standingOrders.get(first.order.id)).toEqual(stored(first))
      expect(await standingOrders.get(someId('standing-order'))).toBeUndefined()
      const second = placed(tenant)
      await standingOrders.place(second, [])
      const newest = [first, second].map(stored).toSorted((a, b) => (a.order.id < b.order.id ? 1 : -1))
      expect(await standingOrders.list({ tenant, limit: 9 })).toEqual(newest)
      expect(await standingOrders.list({ tenant, limit: 9, before: newest[0]?.order.id ?? first.order.id })).toEqual(
        newest.slice(1),
      )
      expect(await standingOrders.list({ tenant, limit: 1 })).toEqual(newest.slice(0, 1))
      expect(await standingOrders.countOpen(tenant)).toBe(2)
      const open = await standingOrders.open({ limit: 1_000 })
      expect(open.map(({ order }) => order.id)).toEqual(open.map(({ order }) => order.id).toSorted())
      expect(open).toEqual(expect.arrayContaining(newest))
      const last = open.at(-1)?.order.id ?? first.order.id
      expect(await standingOrders.open({ limit: 9, after: last })).toEqual([])
    })

    test('move on by compare-and-set, one writer an event', async () => {
      const { standingOrders } = under.store
      const first = placed(someId('tenant'))
      await standingOrders.place(first, [])
      const problem = {
        code: 'insufficient_funds',
        message: 'No.',
        facts: { text: 'a\u0000b' },
        fault: 'tenant',
        retry: 'never',
      } as const
      const moved = advance(
        first,
        { type: 'decided', at: at + 1, run: 1 },
        { type: 'held', at: at + 2, run: 1, problem, retryAt: at + 9 },
      )
      expect(await moved.done).toBe(true)
      expect(await advance(first, { type: 'decided', at: at + 5, run: 1 }).done).toBe(false)
      expect(await standingOrders.get(first.order.id)).toEqual(moved.next)
      expect(await standingOrders.events(first.order.id, { limit: 9 })).toEqual([
        { number: 1, event: { type: 'placed', at } },
        { number: 2, event: { type: 'decided', at: at + 1, run: 1 } },
        { number: 3, event: { type: 'held', at: at + 2, run: 1, problem, retryAt: at + 9 } },
      ])
      expect((await standingOrders.events(first.order.id, { limit: 1, after: 1 })).map(({ number }) => number)).toEqual(
        [2],
      )
      const race = [1, 2, 3].map(
        () => advance(moved.next, { type: 'ran', at: at + 4, run: 1, job: someId('job') }).done,
      )
      expect((await Promise.all(race)).filter(Boolean)).toHaveLength(1)
    })

    test('are found by when they changed, a page at a time', async () => {
      const { standingOrders } = under.store
      const later = at + 700_000
      const all = [
        placed(someId('tenant'), later),
        placed(someId('tenant'), later),
        placed(someId('tenant'), later + 1),
      ]
      for (const each of all) await standingOrders.place(each, [])
      const ended = advance(all[2] ?? placed(someId('tenant')), { type: 'ended', at: later + 2, reason: 'cancelled' })
      await ended.done
      const found = await standingOrders.changedSince({ since: later, limit: 9 })
      const ids = found.map(({ order }) => order.id)
      expect(new Set(ids)).toEqual(new Set(all.map(({ order }) => order.id)))
      expect(ids.at(-1)).toBe(all[2]?.order.id)
      const [, second] = found
      if (second === undefined) throw new Error('three')
      const after = { updatedAt: second.state.updatedAt, id: second.order.id }
      expect(await standingOrders.changedSince({ since: later, limit: 9, after })).toEqual([ended.next])
    })

    test('keep the blobs they name until they are over', async () => {
      const { standingOrders, blobs } = under.store
      const cid = someCid('of a standing order')
      const first = placed(someId('tenant'))
      expect((await refusal(standingOrders.place(first, [cid]))).code).toBe('blob_missing')
      expect(await standingOrders.get(first.order.id)).toBeUndefined()
      expect((await under.store.personal.texts([first.order.id])).size).toBe(0)
      await blobs.put({ cid, bytes: 3, createdAt: at })
      expect(await standingOrders.place(first, [cid])).toBe(true)
      expect(await blobs.remove(cid, at + 1)).toBe(false)
      const ran = advance(first, { type: 'decided', at, run: 1 }, { type: 'ran', at, run: 1, job: someId('job') })
      await ran.done
      const cancelled = advance(ran.next, { type: 'ended', at, reason: 'cancelled' })
      await cancelled.done
      expect(await blobs.remove(cid, at + 1)).toBe(false)
      const job = ran.next.state.run?.job ?? someId('job')
      expect(await standingOrders.countOpen(first.order.tenant)).toBe(1)
      await advance(cancelled.next, { type: 'finished', at, run: 1, job, outcome: 'succeeded', charged: 1n }).done
      expect(await standingOrders.countOpen(first.order.tenant)).toBe(0)
      expect(await blobs.remove(cid, at + 1)).toBe(true)
    })
  })
}
