import { linkClosed, MusterError, type AttemptId, type DialMarket } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createAgent } from './agent.ts'
import { stepLifecycle } from './lifecycle.ts'
import { heldRecords } from './stage/held-records.ts'
import { leaseSlots } from './stage/lease-slots.ts'
import { setStage, stageModules } from './stage/stage-agent.ts'

describe('the lifecycle as a state machine', () => {
  test.each([
    ['starting', 'started', 'running'],
    ['starting', 'drain', 'stopped'],
    ['starting', 'stop', 'stopped'],
    ['running', 'drain', 'draining'],
    ['running', 'stop', 'stopped'],
    ['draining', 'drain', 'draining'],
    ['draining', 'stop', 'stopped'],
    ['stopped', 'drain', 'stopped'],
    ['stopped', 'stop', 'stopped'],
  ] as const)('%s after %s is %s', (state, step, after) => {
    expect(stepLifecycle(state, step)).toBe(after)
  })

  test.each(['running', 'draining', 'stopped'] as const)('%s does not start', (state) => {
    expect(() => stepLifecycle(state, 'started')).toThrow(expect.objectContaining({ code: 'transition_refused' }))
  })
})

describe('an agent', () => {
  test('stops before it has started, and then does not start', async () => {
    const { options, modules } = await stageModules()
    const agent = createAgent(options, modules)
    expect(agent.status().lifecycle).toBe('starting')
    await agent.stop()
    expect(agent.status().lifecycle).toBe('stopped')
    expect(await agent.stopped).toBeNull()
    await expect(agent.start()).rejects.toMatchObject({ code: 'transition_refused' })
  })

  test('drained before it has started is stopped', async () => {
    const { options, modules } = await stageModules()
    const agent = createAgent(options, modules)
    await agent.drain()
    expect(agent.status().lifecycle).toBe('stopped')
  })

  test('stopped while it starts never runs', async () => {
    const { options, modules, market } = await stageModules()
    const agent = createAgent(options, modules)
    const starting = agent.start()
    await agent.stop()
    await starting.catch(() => {})
    expect(agent.status().lifecycle).toBe('stopped')
    expect(market.isLinked()).toBe(false)
  })

  test('starts once', async () => {
    const { agent } = await setStage()
    await expect(agent().start()).rejects.toMatchObject({ code: 'transition_refused' })
    expect(agent().status().lifecycle).toBe('running')
  })

  test('stops in every state, and twice', async () => {
    const stage = await setStage()
    await leaseSlots(stage)
    void stage.agent().drain()
    expect(stage.agent().status().lifecycle).toBe('draining')
    await stage.agent().stop()
    await stage.agent().stop()
    expect(stage.agent().status().lifecycle).toBe('stopped')
    expect(stage.market.isLinked()).toBe(false)
  })

  test('says nothing and writes nothing once stopped', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0)
    await stage.world.settle()
    const before = await heldRecords(stage.journal)
    const { onCall } = stage.market.handlers()
    await stage.agent().stop()
    const said = stage.market.messages.length
    stage.workload.runs.get(attempt)?.finish()
    await stage.world.pass(1_000_000)
    await expect(onCall('close-lease', { lease: lease.record.id })).rejects.toMatchObject({ code: 'unavailable' })
    expect(await heldRecords(stage.journal)).toEqual(before)
    expect(stage.market.messages).toHaveLength(said)
  })
})

describe('a drain', () => {
  test('gives notice, sells nothing, lets work finish, waits for its claims to be settled, and leaves nothing held', async () => {
    const stage = await setStage()
    const { market, world, workload, journal } = stage
    const lease = await leaseSlots(stage)
    const attempts = [0, 1].map((index) => market.start(lease, index)) as [AttemptId, AttemptId]
    await market.reserve(market.order())
    await world.settle()
    const drained = stage.agent().drain()
    await world.settle()
    expect(market.offers()[0]?.record.slots).toBe(0)
    expect(market.messages).toContainEqual({
      type: 'notice',
      leases: [lease.record.id],
      by: world.now() + 60_000,
      inMs: 60_000,
    })
    await expect(market.reserve(market.order())).rejects.toMatchObject({ code: 'capacity_taken' })
    for (const attempt of attempts) {
      await world.pass(1000)
      workload.runs.get(attempt)?.finish()
    }
    await world.pass(500)
    expect(market.claims()).toHaveLength(2)
    expect(stage.agent().status().lifecycle).toBe('draining')
    market.send({ type: 'settled', attempts })
    await world.pass(100)
    await drained
    expect(stage.agent().status().lifecycle).toBe('stopped')
    expect(await heldRecords(journal)).toEqual([])
  })

  test('ends what does not finish in time, reports it, and waits for a silent market no longer than it must', async () => {
    const stage = await setStage({ options: { drainMs: 30_000 } })
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0)
    await stage.world.settle()
    const drained = stage.agent().drain()
    await stage.world.pass(30_100)
    expect(stage.workload.cancelled).toEqual([attempt])
    expect(stage.market.failures()).toMatchObject([{ attempt, problem: { code: 'lease_closed' } }])
    await stage.world.pass(10_100)
    await drained
    expect(await heldRecords(stage.journal)).toMatchObject([
      { kind: 'starts', id: attempt, over: [] },
      { kind: 'outcomes', id: attempt, claims: null, failures: [{ attempt }] },
    ])
  })
})

describe('links', () => {
  test('each has a higher epoch than every one before, restarts included', async () => {
    const stage = await setStage()
    stage.market.cut()
    await stage.world.pass(1000)
    await stage.restart()
    expect(stage.market.epochs).toEqual([1, 2, 3])
  })

  test('work runs on while the link is gone, and is reported when it is back', async () => {
    const stage = await setStage()
    const lease = await leaseSlots(stage)
    const attempt = stage.market.start(lease, 0)
    await stage.world.settle()
    stage.market.refuse(true)
    stage.market.cut()
    await stage.world.pass(5000)
    stage.workload.runs.get(attempt)?.finish({ outputs: [{ name: 'y', bytes: new Uint8Array([1]) }] })
    await stage.world.pass(5000)
    expect(stage.market.claims()).toEqual([])
    stage.market.refuse(false)
    await stage.world.pass(31_000)
    expect(stage.market.claims()[0]?.record.attempt).toBe(attempt)
    expect(stage.market.messages.find(({ type }) => type === 'claims')).toMatchObject({ blobs: [new Uint8Array([1])] })
  })

  test('a newer agent with the same key stops this one', async () => {
    const stage = await setStage()
    stage.market.cut('superseded')
    expect(await stage.agent().stopped).toMatchObject({ code: 'link_superseded' })
    expect(stage.agent().status().lifecycle).toBe('stopped')
  })

  test('an agent that no market will have stops', async () => {
    const dial: DialMarket = async () => {
      throw new MusterError({ code: 'signature_invalid', message: 'no' })
    }
    const { options, modules } = await stageModules()
    const agent = createAgent(options, { ...modules, dialOf: () => dial })
    await agent.start()
    expect(await agent.stopped).toMatchObject({ code: 'signature_invalid' })
  })

  test('an agent whose market is away keeps trying', async () => {
    let tries = 0
    const dial: DialMarket = async () => {
      tries++
      throw linkClosed('lost')
    }
    const { options, modules, world } = await stageModules()
    const agent = createAgent(options, { ...modules, dialOf: () => dial })
    await agent.start()
    await world.pass(600_000)
    expect(tries).toBeGreaterThan(10)
    expect(agent.status().lifecycle).toBe('running')
    await agent.stop()
  })
})
