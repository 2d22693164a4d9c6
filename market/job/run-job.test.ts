import {
  bondAccount,
  cidOf,
  earningsAccount,
  escrowAccount,
  MusterError,
  stakeAccount,
  tenantAccount,
  toProblem,
  type ReceiptBundle,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, rehearse, type Rehearsal } from '../rehearsal/rehearse.ts'
import type { ScriptedAgent } from '../rehearsal/script.ts'

const leaseCount = (agent: ScriptedAgent): number => new Set(agent.starts.map(({ lease }) => lease)).size

const requireIdle = (stage: Rehearsal, ...agents: readonly ScriptedAgent[]): void => {
  for (const agent of agents) {
    expect(agent.leases.size).toBe(0)
    expect(agent.reservations.size).toBe(0)
    expect(agent.attempts.size).toBe(0)
  }
  expect(stage.market().modules.jobs.count()).toBe(0)
}

test('a job goes from submission through auction, lease, claims and receipts to its end, with the money exact', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 300n })
  const tenant = await stage.tenant(1_000_000n)
  const { id } = await tenant.submit(noopSpec(5))
  expect(await stage.balance(escrowAccount(id))).toBe(5_000n)
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(995_000n)

  const job = await stage.closed(tenant, id)
  expect(job).toMatchObject({ outcome: 'succeeded', charged: '1500', counts: { final: 5 }, unmatched: null })
  expect(await stage.balance(earningsAccount(agent.address))).toBe(1_500n)
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(998_500n)
  expect(await stage.balance(stakeAccount(agent.address))).toBe(1_000_000_000n)
  for (const { lease } of agent.starts) expect(await stage.balance(bondAccount(lease))).toBe(0n)
  await stage.audit(id)
  requireIdle(stage, agent)
  expect(agent.settled).toHaveLength(5)
})

test('each accepted task has one receipt, with every record it rests on', async () => {
  const stage = await rehearse()
  await stage.agent({ key: 1, slots: 2, nanoUsd: 300n })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(3))
  await stage.closed(tenant, id)
  const read = async (query: string) =>
    ((await (await tenant.request('GET', `/v1/jobs/${id}/receipts${query}`)).json()) as { receipts: ReceiptBundle[] })
      .receipts
  const receipts = await read('')
  expect(receipts.map(({ receipt }) => receipt.record.attempt).toSorted()).toEqual(
    [0, 1, 2].map((index) => `${id}.${index}.1`),
  )
  for (const { receipt, claim, lease, reservation, order } of receipts) {
    expect(claim.record.lease).toBe(lease.record.id)
    expect(lease.record.order).toBe(reservation.record.order)
    expect(order.record.tenant).toBe(tenant.id)
    expect(receipt.record.amount).toBe('300')
  }
  const [first] = await read('?limit=1')
  expect((await read(`?limit=5&after=${first?.receipt.record.id ?? ''}`)).map(({ receipt }) => receipt)).toEqual(
    receipts.slice(1).map(({ receipt }) => receipt),
  )
})

test('a job of 1,000 tasks is done by two agents, one lease each', async () => {
  const stage = await rehearse()
  const agents = [
    await stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 1 }),
    await stage.agent({ key: 2, slots: 2, nanoUsd: 400n, taskMs: 1 }),
  ] as const
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(1_000, { slots: 4 }))
  const job = await stage.closed(tenant, id)
  expect(job.counts.final).toBe(1_000)
  expect(agents.map(leaseCount)).toEqual([1, 1])
  const [cheap, dear] = await Promise.all(agents.map(({ address }) => stage.balance(earningsAccount(address))))
  expect(BigInt(job.charged)).toBe((cheap ?? 0n) + (dear ?? 0n))
  expect(new Set([...agents[0].starts, ...agents[1].starts].map(({ attempt }) => attempt)).size).toBe(1_000)
  await stage.audit(id)
  requireIdle(stage, ...agents)
})

test('200 jobs of one task share two slots, oldest first, and none is left behind', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 300n })
  const tenant = await stage.tenant()
  const ids = []
  for (let i = 0; i < 200; i++) ids.push((await tenant.submit(noopSpec(1, { slots: 1 }))).id)
  await stage.world.until(() => stage.market().modules.jobs.count() === 0)
  for (const id of ids) expect(await tenant.job(id)).toMatchObject({ outcome: 'succeeded', charged: '300' })
  expect(agent.starts.map(({ attempt }) => attempt.slice(0, 30))).toEqual(ids)
  expect(await stage.balance(earningsAccount(agent.address))).toBe(60_000n)
  await stage.audit()
  requireIdle(stage, agent)
})

describe('an auction', () => {
  test('takes the cheapest offers first and pays each its own price', async () => {
    const stage = await rehearse()
    const dear = await stage.agent({ key: 1, slots: 4, nanoUsd: 900n })
    const cheap = await stage.agent({ key: 2, slots: 1, nanoUsd: 100n })
    const middle = await stage.agent({ key: 3, slots: 2, nanoUsd: 500n })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(3, { slots: 3 }))
    await stage.closed(tenant, id)
    expect([cheap, middle, dear].map(({ starts }) => starts.length)).toEqual([1, 2, 0])
    expect((await tenant.job(id)).charged).toBe('1100')
  })

  test('leases what there is and more as it comes free', async () => {
    const stage = await rehearse()
    const first = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 50 })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(40, { slots: 3 }))
    await stage.world.advance(120)
    expect(first.leases.size).toBe(1)
    const second = await stage.agent({ key: 2, slots: 2, nanoUsd: 100n, taskMs: 50 })
    await stage.closed(tenant, id)
    expect(second.starts.length).toBeGreaterThan(first.starts.length)
    await stage.audit(id)
    requireIdle(stage, first, second)
  })

  test('that finds no free slot tells the tenant why, and goes on when there is one', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 5_000 })
    const tenant = await stage.tenant()
    const { id: first } = await tenant.submit(noopSpec(1, { slots: 1 }))
    const { id: second } = await tenant.submit(noopSpec(1, { slots: 1 }))
    await stage.world.advance(2_500)
    expect((await tenant.job(second)).unmatched).toMatchObject({
      code: 'nothing_fits',
      facts: { nearest: [{ failed: [{ requirement: 'slots free', expected: 'at least 1', found: '0' }] }] },
    })
    await stage.closed(tenant, first)
    expect(await stage.closed(tenant, second)).toMatchObject({ outcome: 'succeeded', unmatched: null })
    requireIdle(stage, agent)
  })
})

describe('cancelling a job', () => {
  test('that waits for slots returns all its money', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n })
    const tenant = await stage.tenant(10_000n)
    agent.publish({ slots: 0 })
    const { id } = await tenant.submit(noopSpec(3))
    await tenant.cancel(id)
    expect(await tenant.job(id)).toMatchObject({ phase: 'closed', outcome: 'cancelled', charged: '0' })
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(10_000n)
    await stage.audit(id)
  })

  test('that runs stops what runs, pays what was accepted, and returns the rest', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 100 })
    const tenant = await stage.tenant(10_000n)
    const { id } = await tenant.submit(noopSpec(5, { slots: 1 }))
    await stage.world.advance(250)
    await tenant.cancel(id)
    expect(await tenant.cancel(id)).toMatchObject({ phase: 'closed' })
    await stage.world.advance(1_000)
    expect(await tenant.job(id)).toMatchObject({
      outcome: 'cancelled',
      charged: '200',
      counts: { final: 2, cancelled: 3, waiting: 0, running: 0 },
    })
    expect(await stage.balance(earningsAccount(agent.address))).toBe(200n)
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(9_800n)
    expect(agent.cancelled.length).toBeGreaterThan(0)
    await stage.audit(id)
    requireIdle(stage, agent)
  })

  test('while its slots are being reserved gives them back', async () => {
    const stage = await rehearse()
    const answer = Promise.withResolvers<void>()
    const agent = await stage.agent({
      key: 1,
      slots: 2,
      nanoUsd: 100n,
      script: { reserve: (honest) => answer.promise.then(honest) },
    })
    const tenant = await stage.tenant(10_000n)
    const { id } = await tenant.submit(noopSpec(2))
    await tenant.cancel(id)
    answer.resolve()
    await stage.world.advance(100)
    expect(agent.calls).toContain('release')
    requireIdle(stage, agent)
    await stage.audit(id)
  })

  test('that has ended changes nothing', async () => {
    const stage = await rehearse()
    await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const tenant = await stage.tenant(10_000n)
    const { id } = await tenant.submit(noopSpec(2))
    const ended = await stage.closed(tenant, id)
    expect(await tenant.cancel(id)).toEqual(ended)
  })

  test('whose agent is out of reach is over at once, and the agent learns it when it links again', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 1_000 })
    const tenant = await stage.tenant(10_000n)
    const { id } = await tenant.submit(noopSpec(2))
    await stage.world.advance(10)
    agent.cut()
    await tenant.cancel(id)
    expect(await tenant.job(id)).toMatchObject({ outcome: 'cancelled', charged: '0' })
    await stage.world.advance(3_000)
    agent.link(stage.market())
    await stage.world.advance(100)
    requireIdle(stage, agent)
    expect(await tenant.job(id)).toMatchObject({ outcome: 'cancelled', charged: '0' })
    await stage.audit(id)
  })
})

describe('an attempt that fails', () => {
  const broken = toProblem(new MusterError({ code: 'program_crashed', message: 'The program crashed.' }))

  test('is tried on another machine before it is given up, though the one that fails is cheaper', async () => {
    const stage = await rehearse()
    const bad = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, script: { run: () => ({ problem: broken }) } })
    const good = await stage.agent({ key: 2, slots: 1, nanoUsd: 200n, taskMs: 60 })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(2, { slots: 2 }))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '400' })
    expect(good.starts).toHaveLength(2)
    const attempts = (await tenant.tasks(id)).map((task) =>
      task.attempts.map(({ provider, phase }) => [provider, phase]),
    )
    const phases = [
      [bad.address, 'failed'],
      [good.address, 'final'],
    ]
    expect(attempts).toEqual([phases, [[good.address, 'final']]])
    await stage.audit(id)
  })

  test('too often is given up, with what went wrong last, and only the rest is charged', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({
      key: 1,
      slots: 2,
      nanoUsd: 100n,
      script: { run: ({ attempt }) => (attempt.includes('.1.') ? { problem: broken } : { outputs: {} }) },
    })
    const tenant = await stage.tenant(10_000n)
    const { id } = await tenant.submit(noopSpec(3, { limits: { maxFailures: 2 } }))
    expect(await stage.closed(tenant, id)).toMatchObject({
      outcome: 'failed',
      charged: '200',
      counts: { final: 2, abandoned: 1 },
    })
    const [, given] = await tenant.tasks(id)
    expect(given).toMatchObject({ phase: 'abandoned', problem: { code: 'attempts_exhausted', facts: { failures: 2 } } })
    expect(given?.attempts).toHaveLength(2)
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(9_800n)
    await stage.audit(id)
    requireIdle(stage, agent)
  })

  test('does not keep its machine from the jobs of others', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n })
    agent.script = { run: ({ inputs }) => (inputs.length > 0 ? { outputs: {} } : { problem: broken }) }
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(30, { slots: 1 }))
    expect(await stage.closed(tenant, id, 4_000)).toMatchObject({ outcome: 'failed', charged: '0' })
    const bytes = new TextEncoder().encode('x')
    await tenant.upload(cidOf(bytes), bytes)
    const good = noopSpec(1, { slots: 1, tasks: [{ inputs: [{ name: 'x', cid: cidOf(bytes) }] }] })
    const { id: next } = await tenant.submit(good)
    expect(await stage.closed(tenant, next, 500)).toMatchObject({ outcome: 'succeeded' })
    await stage.audit(next)
  })

  test('because its lease was taken back is lost, not failed', async () => {
    const stage = await rehearse()
    const gone = toProblem(new MusterError({ code: 'lease_closed', message: 'The lease is gone.' }))
    const owner = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, script: { run: () => ({ problem: gone }) } })
    await stage.agent({ key: 2, slots: 2, nanoUsd: 200n })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(2, { limits: { maxFailures: 1 } }))
    await stage.world.advance(20)
    owner.publish({ slots: 0 })
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '400' })
    await stage.audit(id)
  })

  test('by the word of another provider goes on', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 1_000 })
    const rival = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(1, { slots: 1 }))
    await stage.world.advance(10)
    const [start] = agent.starts
    if (start === undefined) throw new Error('nothing started')
    rival.send({ type: 'failures', failures: [{ attempt: start.attempt, problem: broken }] })
    await stage.closed(tenant, id)
    expect((await tenant.tasks(id))[0]?.attempts).toEqual([{ fence: 1, provider: agent.address, phase: 'final' }])
  })
})
