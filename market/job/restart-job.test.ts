import { earningsAccount, MusterError, tenantAccount } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, rehearse, type Rehearsal, type Tenant } from '../rehearsal/rehearse.ts'
import type { ScriptedAgent } from '../rehearsal/script.ts'
import type { FaultPoint } from '../store/memory/create-memory-store.ts'

const setUp = async (): Promise<{ stage: Rehearsal; agents: ScriptedAgent[]; tenant: Tenant }> => {
  const stage = await rehearse()
  const agents = [
    await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 20 }),
    await stage.agent({ key: 2, slots: 1, nanoUsd: 100n, taskMs: 30 }),
  ]
  return { stage, agents, tenant: await stage.tenant(100_000n) }
}

/** Commits so far of this stage that came to a fault point. */
const failAt = (stage: Rehearsal, commit: number, point: FaultPoint, error: () => Error): (() => boolean) => {
  let seen = 0
  let isDone = false
  stage.fault = (at) => {
    if (at === 'before-commit') seen++
    if (isDone || seen !== commit || at !== point) return
    isDone = true
    throw error()
  }
  return () => isDone
}

const requireWhole = async (
  stage: Rehearsal,
  tenant: Tenant,
  agents: readonly ScriptedAgent[],
  id: string,
  tasks: number,
) => {
  const job = await tenant.job(id as never)
  expect(job).toMatchObject({ outcome: 'succeeded', charged: String(tasks * 100), counts: { final: tasks } })
  const earned = await Promise.all(agents.map(({ address }) => stage.balance(earningsAccount(address))))
  expect(earned.reduce((sum, each) => sum + each, 0n)).toBe(BigInt(tasks) * 100n)
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(100_000n - BigInt(tasks) * 100n)
  await stage.audit(id as never)
  await stage.world.advance(20_000)
  for (const agent of agents) {
    expect(agent.leases.size).toBe(0)
    expect(agent.reservations.size).toBe(0)
  }
}

const tasks = 6

describe('a market that crashes', () => {
  test.each(['before-commit', 'after-commit'] as const)(
    '%s, whichever commit it is, goes on where it was, and nothing is lost or paid twice',
    async (point) => {
      const key = 'ord_01K5KRN0M0ABCDEFGHJKMNPQRW'
      let commit = 0
      for (let wasReached = true; wasReached;) {
        const { stage, agents, tenant } = await setUp()
        const hasFailed = failAt(stage, ++commit, point, () => new Error('the power is out'))
        void tenant.submit(noopSpec(tasks), { 'idempotency-key': key })
        await stage.world.until(hasFailed, 60_000).catch(() => {})
        wasReached = hasFailed()
        if (wasReached) {
          for (const agent of agents) agent.cut()
          await stage.restart()
          for (const agent of agents) agent.link(stage.market())
        }
        const { id } = await tenant.submit(noopSpec(tasks), { 'idempotency-key': key })
        await stage.closed(tenant, id)
        await requireWhole(stage, tenant, agents, id, tasks)
      }
      expect(commit).toBeGreaterThan(7)
    },
  )

  test('finds agents that never noticed, and one that is gone for good', async () => {
    const { stage, agents, tenant } = await setUp()
    const [, gone] = agents
    const { id } = await tenant.submit(noopSpec(20))
    await stage.world.advance(50)
    for (const agent of agents) agent.cut()
    await stage.restart()
    agents[0]?.link(stage.market())
    gone?.wipe()
    await stage.closed(tenant, id)
    const events = await tenant.events(id)
    expect(events.map(({ type }) => type)).toContain('lost')
    await requireWhole(stage, tenant, agents, id, 20)
  })

  test('waits longer for its agents than the grace period, since they first notice and dial again', async () => {
    const { stage, agents, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(20))
    await stage.world.advance(50)
    for (const agent of agents) agent.cut()
    await stage.restart()
    await stage.world.advance(40_000)
    for (const agent of agents) agent.link(stage.market())
    await stage.closed(tenant, id)
    expect((await tenant.events(id)).map(({ type }) => type)).not.toContain('lost')
    await requireWhole(stage, tenant, agents, id, 20)
  })

  test('and again, at every task, still finishes', async () => {
    const { stage, agents, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(10))
    for (let round = 0; round < 12; round++) {
      await stage.world.advance(25)
      for (const agent of agents) agent.cut()
      await stage.restart()
      for (const agent of agents) agent.link(stage.market())
    }
    await stage.closed(tenant, id)
    await requireWhole(stage, tenant, agents, id, 10)
  })
})

describe('a store that is away for a while', () => {
  const away = () => new MusterError({ code: 'unavailable', message: 'The database does not answer.' })

  test.each(['before-commit', 'after-commit'] as const)(
    '%s, whichever commit it is, costs nothing but time',
    async (point) => {
      let commit = 0
      for (let wasReached = true; wasReached;) {
        const { stage, agents, tenant } = await setUp()
        const { id } = await tenant.submit(noopSpec(tasks))
        const hasFailed = failAt(stage, ++commit, point, away)
        for (let round = 0; round < 20 && (await tenant.job(id)).phase !== 'closed'; round++) {
          await stage.world.advance(1_000)
          for (const agent of agents) agent.repeat()
        }
        await stage.closed(tenant, id)
        wasReached = hasFailed()
        await requireWhole(stage, tenant, agents, id, tasks)
      }
      expect(commit).toBeGreaterThan(6)
    },
  )

  test('for ten seconds, reads and all, holds the work up and loses nothing', async () => {
    let isAway = false
    const stage = await rehearse({
      wrapStore: (store) => {
        const guard = <Target extends object>(target: Target): Target =>
          new Proxy(target, {
            get: (of, name) => {
              const value: unknown = Reflect.get(of, name)
              if (typeof value === 'object' && value !== null) return guard(value)
              if (typeof value !== 'function') return value
              return (...args: unknown[]): unknown => (isAway ? Promise.reject(away()) : Reflect.apply(value, of, args))
            },
          })
        return guard(store)
      },
    })
    const agents = [
      await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 20 }),
      await stage.agent({ key: 2, slots: 1, nanoUsd: 100n, taskMs: 20 }),
    ]
    const tenant = await stage.tenant(100_000n)
    const { id } = await tenant.submit(noopSpec(20))
    await stage.world.advance(50)
    isAway = true
    agents[1]?.cut()
    await stage.world.advance(8_000)
    expect((await stage.app().request('/readyz')).status).toBe(503)
    agents[1]?.link(stage.market())
    await stage.world.advance(7_000)
    isAway = false
    for (let round = 0; round < 20 && (await tenant.job(id)).phase !== 'closed'; round++) {
      await stage.world.advance(1_000)
      for (const agent of agents) agent.repeat()
    }
    await stage.closed(tenant, id)
    await requireWhole(stage, tenant, agents, id, 20)
  })
})

test('a long job leaves snapshots, and is loaded from the newest', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 1 })
  const tenant = await stage.tenant(1_000_000n)
  const { id } = await tenant.submit(noopSpec(900, { slots: 1 }))
  await stage.world.until(async () => (await stage.store().readStream(id))?.snapshot !== null)
  agent.cut()
  await stage.restart()
  const stream = await stage.store().readStream(id)
  expect(stream?.snapshot?.version).toBeGreaterThanOrEqual(2_000)
  expect(stream?.events.length).toBeLessThan(2_000)
  agent.link(stage.market())
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '90000' })
  expect((await tenant.events(id)).length).toBe((await stage.store().readStream(id))?.version)
  await stage.audit(id)
})
