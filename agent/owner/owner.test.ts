import { silentLog, type AttemptId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { leaseSlots } from '../stage/lease-slots.ts'
import { setStage } from '../stage/stage-agent.ts'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { createLoadSampler, othersShare, parseStat, sumTree } from './sample-load.ts'
import { quietOwner, stepOwner } from './step-owner.ts'
import { watchOwner } from './watch-owner.ts'

const options = { busyShare: 0.25, sampleMs: 1000, busySamples: 3, quietMs: 10_000 }

describe('the owner’s load', () => {
  const play = (loads: readonly number[]) => {
    let state = quietOwner
    return loads.map((load, index) => (state = stepOwner(state, load, index * 1000, options)).isBusy)
  }

  test('counts as needing the machine after so many samples above the threshold in a row', () => {
    expect(play([0.9, 0.9, 0.1, 0.9, 0.9, 0.9])).toEqual([false, false, false, false, false, true])
  })

  test('counts as quiet after so long below it, without a break', () => {
    const loads = [1, 1, 1, ...Array.from({ length: 9 }, () => 0), 1, ...Array.from({ length: 11 }, () => 0)]
    const busy = play(loads)
    expect(busy.slice(2, -1).every(Boolean)).toBe(true)
    expect(busy.at(-1)).toBe(false)
  })

  test('at the threshold is not above it', () => {
    expect(play([0.25, 0.25, 0.25, 0.25])).toEqual([false, false, false, false])
  })
})

describe('a watch', () => {
  test('tells of changes only, passes over samples that fail, and ends', async () => {
    const world = createVirtualWorld(1)
    const loads = [undefined, 1, 'broken', 1, 1, 1, ...Array.from({ length: 12 }, () => 0), 1, 1, 1]
    const sampleLoad = async () => {
      const load = loads.shift()
      if (load === 'broken') throw new Error('no /proc')
      return load as number | undefined
    }
    const changes: boolean[] = []
    const watch = watchOwner(options, { world, sampleLoad, log: silentLog }, (isBusy) => changes.push(isBusy))
    await world.pass(18_500)
    expect(changes).toEqual([true, false])
    watch.stop()
    await world.pass(10_000)
    expect(changes).toEqual([true, false])
  })
})

describe('an agent whose owner comes back', () => {
  test('sells nothing, gives notice, lets work finish, and sells again when it is quiet', async () => {
    let load = 0
    const stage = await setStage({
      options: { owner: options, noticeMs: 5000 },
      modules: { sampleLoad: async () => load },
    })
    const { market, world, workload } = stage
    const lease = await leaseSlots(stage, 2)
    const [quick, slow] = [0, 1].map((index) => market.start(lease, index)) as [AttemptId, AttemptId]
    await market.reserve(market.order())
    await world.settle()
    load = 1
    await world.pass(3100)
    expect(stage.agent().status()).toMatchObject({ door: 'owner', reservations: 0 })
    expect(market.offers()[0]?.record.slots).toBe(0)
    const notice = market.messages.find(({ type }) => type === 'notice')
    expect(notice).toMatchObject({ leases: [lease.record.id] })
    await expect(market.reserve(market.order())).rejects.toMatchObject({ code: 'capacity_taken' })

    workload.runs.get(quick)?.finish()
    await world.pass(5000)
    expect(market.claims().map(({ record }) => record.attempt)).toEqual([quick])
    expect(market.failures()).toMatchObject([{ attempt: slow, problem: { code: 'lease_closed', fault: 'provider' } }])
    expect(stage.agent().status()).toMatchObject({ leases: [], free: { cpuMilli: 4000 } })

    load = 0
    await world.pass(12_000)
    expect(stage.agent().status().door).toBeNull()
    expect(market.offers()[0]?.record.slots).toBe(4)
    await market.reserve(market.order())
  })

  test('repeats its notice to a market that was away', async () => {
    let load = 0
    const stage = await setStage({ options: { owner: options }, modules: { sampleLoad: async () => load } })
    await leaseSlots(stage)
    stage.market.refuse(true)
    stage.market.cut()
    load = 1
    await stage.world.pass(4000)
    stage.market.refuse(false)
    await stage.world.pass(20_000)
    expect(stage.market.messages.filter(({ type }) => type === 'notice')).toHaveLength(1)
  })
})

describe('the sampler', () => {
  test('reads parent and times from /proc, whatever the program is called', () => {
    const line = '42 (a b) c) S 7 42 42 0 -1 4194560 1 2 3 4 100 50 20 10 20 0 1 0 5 6 7'
    expect(parseStat(line)).toEqual({ parent: 7, ms: 1800 })
    expect(parseStat('')).toBeUndefined()
  })

  test('sums a process and all below it, and nobody else', () => {
    const processes = new Map([
      [1, { parent: 0, ms: 1000 }],
      [10, { parent: 1, ms: 5 }],
      [11, { parent: 10, ms: 20 }],
      [12, { parent: 11, ms: 300 }],
      [13, { parent: 1, ms: 7000 }],
    ])
    expect(sumTree(10, processes)).toBe(325)
  })

  test('gives the share that is neither idle nor our own', () => {
    const before = { total: 1000, idle: 500, own: 100 }
    expect(othersShare(before, { total: 2000, idle: 900, own: 400 })).toBeCloseTo(0.3)
    expect(othersShare(before, { total: 2000, idle: 1500, own: 900 })).toBe(0)
    expect(othersShare(before, before)).toBeUndefined()
  })

  test('on this machine gives nothing first and a share then', async () => {
    const sample = createLoadSampler()
    expect(await sample()).toBeUndefined()
    await new Promise((resolve) => setTimeout(resolve, 200))
    const share = await sample()
    expect(share).toBeGreaterThanOrEqual(0)
    expect(share).toBeLessThanOrEqual(1)
  })
})
