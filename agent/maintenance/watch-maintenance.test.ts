import type { AgentMessage } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { flatPolicy } from '../price/price-policy.ts'
import { leaseSlots } from '../stage/lease-slots.ts'
import { setStage, type Stage } from '../stage/stage-agent.ts'

const hourMs = 3_600_000
const one = { numerator: 1n, denominator: 1n }

/** Sells all three kinds; a spot lease is ended with ten minutes of notice. */
const setKinds = async (): Promise<Stage> =>
  setStage({
    options: {
      prices: {
        ...flatPolicy(new Map([['noop', { nanoUsd: 1000n, per: 'task' }]])),
        leases: new Map([
          ['on-demand', { factor: one, noticeMs: null, minMs: 0, maxMs: 48 * hourMs }],
          ['spot', { factor: one, noticeMs: 600_000, minMs: 0, maxMs: 48 * hourMs }],
          ['reserved', { factor: one, noticeMs: null, minMs: 0, maxMs: 48 * hourMs }],
        ]),
      },
    },
  })

const leaseOf = async ({ market, world }: Stage, kind: 'on-demand' | 'spot' | 'reserved', termMs = 4 * hourMs) => {
  const order = market.order({ lease: { kind, termMs }, expiresAt: world.now() + 48 * hourMs })
  const offer = market.offers().find(({ record }) => record.term?.kinds.includes(kind))
  if (offer === undefined) throw new Error('no such offer')
  const reserved = await market.handlers().onCall('reserve', { order, offer: offer.record.id, slots: 1, ttlMs: 10_000 })
  const { term } = reserved.record
  if (term === undefined) throw new Error('no term')
  const lease = market.lease(reserved, { term, startsAt: world.now(), paidUntil: world.now() + termMs })
  await market.open(lease)
  return lease
}

type NoticeMessage = Extract<AgentMessage, { type: 'notice' }>
const noticesOf = ({ market }: Stage): NoticeMessage[] => market.messages.filter((message) => message.type === 'notice')

describe('maintenance', () => {
  test('is announced with every offer, and called off', async () => {
    const { agent, market, world } = await setStage()
    const window = { from: world.now() + hourMs, until: world.now() + 2 * hourMs }
    agent().maintain([window, { from: window.until - 1, until: window.until + hourMs }])
    await world.pass(100)
    expect(market.offers()[0]?.record.maintenance).toEqual([{ from: window.from, until: window.until + hourMs }])
    agent().maintain([])
    await world.pass(100)
    expect(market.offers()[0]?.record).not.toHaveProperty('maintenance')
  })

  test('of the options always holds, and one that is over is announced no more', async () => {
    const from = 1_800_000_000_000 + hourMs
    const { agent, market, world } = await setStage({ options: { maintenance: [{ from, until: from + hourMs }] } })
    expect(market.offers()[0]?.record.maintenance).toHaveLength(1)
    agent().maintain([])
    await world.pass(100)
    expect(market.offers()[0]?.record.maintenance).toHaveLength(1)
    await world.pass(2 * hourMs)
    expect(market.offers()[0]?.record).not.toHaveProperty('maintenance')
  })

  test('closes the door while it lasts', async () => {
    const { agent, market, world } = await setStage()
    agent().maintain([{ from: world.now() + 1_000, until: world.now() + hourMs }])
    await world.pass(1_100)
    expect(market.offers()[0]?.record.slots).toBe(0)
    await expect(market.reserve(market.order())).rejects.toMatchObject({ code: 'capacity_taken' })
    await world.pass(hourMs)
    expect(market.offers()[0]?.record.slots).toBe(4)
    await market.reserve(market.order())
  })

  test('gives each lease its notice in time: its own, and no less than the owner’s', async () => {
    const stage = await setKinds()
    const { agent, world } = stage
    const spot = await leaseOf(stage, 'spot')
    const onDemand = await leaseOf(stage, 'on-demand')
    agent().maintain([{ from: world.now() + hourMs, until: world.now() + 2 * hourMs }])
    await world.pass(hourMs - 603_000)
    expect(noticesOf(stage)).toEqual([])
    await world.pass(3_000)
    expect(noticesOf(stage)).toMatchObject([{ leases: [spot.record.id], takesWork: true }])
    expect(noticesOf(stage)[0]?.inMs).toBeGreaterThanOrEqual(600_000)
    await world.pass(600_000 - 29_000)
    expect(noticesOf(stage).at(-1)?.leases).toContain(onDemand.record.id)
    await world.pass(31_000)
    expect(agent().status().leases).toEqual([])
  })

  test('that is announced too late lets a spot lease last as long as its notice', async () => {
    const stage = await setKinds()
    const { agent, world } = stage
    await leaseOf(stage, 'spot')
    agent().maintain([{ from: world.now() + 60_000, until: world.now() + hourMs }])
    await world.pass(100)
    expect(noticesOf(stage)).toMatchObject([{ inMs: 600_000 }])
    await world.pass(599_000)
    expect(agent().status().leases).toHaveLength(1)
    await world.pass(2_000)
    expect(agent().status().leases).toEqual([])
  })

  test('takes no reserved lease back, and none is made that would run into it', async () => {
    const stage = await setKinds()
    const { agent, world } = stage
    const kept = await leaseOf(stage, 'reserved')
    agent().maintain([{ from: world.now() + hourMs, until: world.now() + 3 * hourMs }])
    await world.pass(100)
    await expect(leaseOf(stage, 'reserved', 2 * hourMs)).rejects.toMatchObject({ code: 'capacity_taken' })
    await leaseOf(stage, 'reserved', hourMs / 2)
    await world.pass(2 * hourMs)
    expect(noticesOf(stage)).toEqual([])
    expect(agent().status().leases).toEqual([kept.record.id])
  })

  test('a notice is given again after the link broke and after a restart, to the same end', async () => {
    const stage = await setKinds()
    const { agent, world, market } = stage
    await leaseOf(stage, 'spot')
    const window = { from: world.now() + 900_000, until: world.now() + hourMs }
    agent().maintain([window])
    await world.pass(400_000)
    const end = (notice: NoticeMessage | undefined) => (notice?.by ?? 0) - window.from
    expect(Math.abs(end(noticesOf(stage).at(-1)))).toBeLessThanOrEqual(1_000)
    market.cut()
    await world.pass(1_000)
    expect(noticesOf(stage)).toHaveLength(2)
    const before = noticesOf(stage).at(-1)
    const restarted = await stage.restart()
    restarted.maintain([window])
    await world.pass(1_000)
    // What is left of it is less than the notice it is sold with: a restart gives all of it again.
    expect(noticesOf(stage).at(-1)?.inMs).toBeGreaterThanOrEqual(before?.inMs ?? 0)
  })
})

describe('an owner who needs the machine', () => {
  test('leaves reserved leases, and gives spot leases their notice', async () => {
    let load = 0
    const stage = await setStage({
      options: {
        prices: {
          ...flatPolicy(new Map([['noop', { nanoUsd: 1000n, per: 'task' }]])),
          leases: new Map([
            ['spot', { factor: one, noticeMs: 600_000, minMs: 0, maxMs: 48 * hourMs }],
            ['reserved', { factor: one, noticeMs: null, minMs: 0, maxMs: 48 * hourMs }],
          ]),
        },
        owner: { busyShare: 0.5, sampleMs: 1_000, busySamples: 1, quietMs: 60_000 },
      },
      modules: { sampleLoad: async () => load },
    })
    const spot = await leaseOf(stage, 'spot')
    await leaseOf(stage, 'reserved')
    load = 1
    await stage.world.pass(1_100)
    expect(noticesOf(stage)).toMatchObject([{ leases: [spot.record.id], inMs: 600_000 }])
  })
})

test('a clock that jumps does not shorten a notice', async () => {
  let jumpMs = 0
  const { world: plain } = await setStage()
  const stage = await setStage({ modules: { world: { ...plain, now: () => plain.now() + jumpMs } } })
  const lease = await leaseSlots(stage, 1, { lease: { paidUntil: plain.now() + 48 * hourMs } })
  stage.agent().maintain([{ from: plain.now() + 20_000, until: plain.now() + hourMs }])
  await plain.pass(100)
  jumpMs = hourMs
  await plain.pass(20_000)
  expect(stage.agent().status().leases).toEqual([lease.record.id])
  await plain.pass(11_000)
  expect(stage.agent().status().leases).toEqual([])
})
