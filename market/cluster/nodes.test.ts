import { describe, expect, test } from 'vitest'
import { toJson, type JobId } from '@muster/protocol'
import { noopSpec, type Tenant } from '../rehearsal/rehearse.ts'
import { rehearseNodes, type RehearsedNode } from '../rehearsal/rehearse-nodes.ts'
import type { ScriptedAgent } from '../rehearsal/script.ts'

const setUp = async (names = ['a', 'b', 'c'], options: { readonly graceMs?: number } = {}) => {
  const market = rehearseNodes({ market: { keyRequestsPerSecond: 0, ...options } })
  const nodes: RehearsedNode[] = []
  for (const name of names) nodes.push(await market.start(name))
  await market.world.advance(2_500)
  const [a, b, c] = nodes
  if (a === undefined || b === undefined) throw new Error('at least two nodes')
  return { ...market, a, b, c: c ?? b, nodes }
}

/** The same tenant as another node serves it. */
const at = (node: RehearsedNode, tenant: Tenant) => ({
  request: (method: string, path: string, body?: string) =>
    node.app().request(path, {
      method,
      headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    }),
})

const bodyOf = async (response: Response | Promise<Response>): Promise<Record<string, unknown>> =>
  (await (await response).json()) as Record<string, unknown>

/** As agents do, it says again every second what is not settled. */
const finish = async (node: RehearsedNode, tenant: Tenant, job: JobId, agent: ScriptedAgent): Promise<void> => {
  await node.world.until(async () => {
    await node.world.advance(1_000)
    agent.repeat()
    return (await tenant.job(job)).phase === 'closed'
  })
}

describe('several nodes', () => {
  test('a job runs on an agent that is linked to another node', async () => {
    const { a, b, world } = await setUp()
    const agent = await b.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(20))
    const closed = await a.closed(tenant, job.id)
    await world.advance(100)
    expect(closed).toMatchObject({ outcome: 'succeeded', counts: { final: 20 } })
    expect(agent.settled).toHaveLength(20)
    await a.audit(job.id)
    expect(b.market().modules.supply.heldSlots(agent.address)).toBe(0)
  })

  test('offers of all nodes are one market: the cheapest win wherever they are linked', async () => {
    const { a, b, c, world } = await setUp()
    const dear = await a.agent({ key: 1, slots: 2, nanoUsd: 900n })
    const cheap = await b.agent({ key: 2, slots: 1, nanoUsd: 100n })
    const middle = await c.agent({ key: 3, slots: 1, nanoUsd: 200n })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(12))
    await a.closed(tenant, job.id)
    expect([cheap.settled.length > 0, middle.settled.length > 0, dear.settled.length]).toEqual([true, true, 0])
  })

  test('any node answers for a job: what it is, its events, and its end', async () => {
    const { a, b } = await setUp()
    await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 1_000 })
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(50, { slots: 1 }))
    await a.world.advance(3_000)
    const seen = at(b, tenant)
    const view = await bodyOf(seen.request('GET', `/v1/jobs/${job.id}`))
    expect(view).toMatchObject({ id: job.id, phase: 'active' })
    const cancelled = await bodyOf(seen.request('POST', `/v1/jobs/${job.id}/cancel`))
    expect(cancelled).toMatchObject({ id: job.id })
    const closed = await a.closed(tenant, job.id)
    expect(closed.outcome).toBe('cancelled')
    const events = await (await seen.request('GET', `/v1/jobs/${job.id}/events`)).text()
    expect(events).toContain('closed')
    expect(await bodyOf(seen.request('GET', '/v1/jobs'))).toMatchObject({ jobs: [{ id: job.id }] })
    expect((await seen.request('GET', '/v1/jobs/job_nonsense')).status).toBe(404)
  })

  test('the jobs of a node that is killed go on elsewhere: nothing is lost, nothing paid twice', async () => {
    const { a, b, c, world } = await setUp()
    const agent = await b.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 500 })
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(40))
    await world.advance(3_000)
    const before = agent.settled.length
    expect(before).toBeGreaterThan(0)
    await a.kill()
    await world.advance(6_000)
    agent.repeat()
    expect(b.market().modules.jobs.count() + c.market().modules.jobs.count()).toBe(1)
    const survivor = b.market().modules.jobs.count() === 1 ? b : c
    const phase = async () => (await bodyOf(at(survivor, tenant).request('GET', `/v1/jobs/${job.id}`)))['phase']
    await world.until(async () => (await phase()) === 'closed')
    expect(agent.starts.map(({ attempt }) => attempt)).toHaveLength(
      new Set(agent.starts.map(({ attempt }) => attempt)).size,
    )
    expect(agent.starts).toHaveLength(40)
    await survivor.audit(job.id)
  })

  test('a node that cannot read which nodes are up gives up no agent that may have gone to a new one', async () => {
    const { a, b, start, world } = await setUp(['a', 'b'], { graceMs: 2_000 })
    const agent = await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 20_000 })
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(1))
    await world.advance(1_000)
    a.reach.registry = false
    const c = await start('c')
    agent.cut()
    agent.link(c.market())
    await world.advance(2_900)
    a.reach.registry = true
    await a.closed(tenant, job.id)
    const types = (await tenant.events(job.id)).map(({ type }) => type)
    expect(types).toContain('lease-suspected')
    expect(types).not.toContain('lost')
    expect(agent.starts).toHaveLength(1)
    await a.audit(job.id)
  })

  test('a node that leaves in good order hands its jobs over at once', async () => {
    const { a, b, world } = await setUp(['a', 'b'])
    await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 500 })
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(20, { slots: 1 }))
    await world.advance(2_000)
    await a.leave()
    await world.advance(100)
    expect(b.market().modules.jobs.get(job.id)).toBeDefined()
  })

  test('two nodes that claim one stream: only the owner’s commits count, and the other lets go', async () => {
    const { a, b, world } = await setUp(['a', 'b'])
    const agent = await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 500 })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(30, { slots: 1 }))
    await world.advance(2_000)
    const old = a.market().modules.jobs.get(job.id)
    // Its database and its hop are away for a while, and it does not know that it was taken out.
    Object.assign(a.reach, { database: false, hop: false, bus: false })
    await world.advance(8_000)
    expect(b.market().modules.jobs.get(job.id)).toBeDefined()
    expect(a.market().modules.jobs.get(job.id)).toBe(old)
    expect(a.market().cluster?.isSure()).toBe(false)
    Object.assign(a.reach, { database: true, hop: true, bus: true })
    await world.advance(4_000)
    expect(a.market().modules.jobs.get(job.id)).toBeUndefined()
    expect(a.market().cluster?.isSure()).toBe(true)
    await finish(a, tenant, job.id, agent)
    expect(agent.starts).toHaveLength(30)
    await a.audit(job.id)
  })

  test('a node that only believes to own a stream is refused as a stale writer', async () => {
    const { a, b, world, disk } = await setUp(['a', 'b'])
    await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 500 })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(30, { slots: 1 }))
    await world.advance(1_000)
    const actor = a.market().modules.jobs.get(job.id)
    disk.owners.set(job.id, b.market().cluster?.id() ?? '')
    await expect(actor?.step((draft) => draft.emit({ type: 'cancel-requested', at: draft.now }))).rejects.toMatchObject(
      {
        code: 'stale_writer',
      },
    )
    expect(a.market().modules.jobs.get(job.id)).toBeUndefined()
  })

  test('with the hop away agents of the other node are out of reach for a while; nothing is lost or run twice', async () => {
    const { a, b, world } = await setUp(['a', 'b'])
    const agent = await b.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 300 })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(60))
    await world.advance(2_000)
    b.reach.hop = false
    await world.advance(5_000)
    b.reach.hop = true
    await finish(a, tenant, job.id, agent)
    const started = agent.starts.map(({ attempt }) => attempt)
    expect((await tenant.job(job.id)).counts.final).toBe(60)
    expect(new Set(started).size).toBe(60)
    await a.audit(job.id)
  })

  test('with the bus or the database away for a minute nothing is lost, and it goes on by itself', async () => {
    for (const gone of ['bus', 'database'] as const) {
      const { a, b, world } = await setUp(['a', 'b'])
      const agent = await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 1_000 })
      await world.advance(100)
      const tenant = await a.tenant()
      const job = await tenant.submit(noopSpec(100, { slots: 1 }))
      await world.advance(5_000)
      a.reach[gone] = false
      b.reach[gone] = false
      await world.advance(60_000)
      const during = agent.settled.length
      a.reach[gone] = true
      b.reach[gone] = true
      await finish(a, tenant, job.id, agent)
      if (gone === 'bus') expect(during).toBeGreaterThan(50)
      expect((await tenant.job(job.id)).counts.final).toBe(100)
      expect(agent.starts).toHaveLength(100)
      expect(a.market().modules.jobs.count() + b.market().modules.jobs.count()).toBe(0)
      await a.audit(job.id)
    }
  })

  test('a node that alone has lost its database sends its agents away, and their work is done through the others', async () => {
    const { a, b, world } = await setUp()
    const agent = await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 500 })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(40, { slots: 1 }))
    await world.advance(3_000)
    b.reach.database = false
    await world.advance(8_000)
    expect(b.market().modules.supply.peer(agent.address)).toBeUndefined()
    agent.link(a.market())
    await finish(a, tenant, job.id, agent)
    expect(agent.starts).toHaveLength(40)
    await a.audit(job.id)
  })

  test('an agent that dials another node keeps its leases', async () => {
    const { a, b, c, world } = await setUp()
    const agent = await b.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 400 })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(40))
    await world.advance(2_000)
    agent.link(c.market())
    await world.advance(1_000)
    agent.link(a.market())
    const closed = await a.closed(tenant, job.id)
    expect(closed.counts.final).toBe(40)
    expect(agent.starts).toHaveLength(40)
    await a.audit(job.id)
  })

  test('a drain, a denial and an audit are of the market, not of the node that was told', async () => {
    const { a, b, world } = await setUp(['a', 'b'])
    await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 60_000 })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(3, { slots: 1 }))
    await world.advance(2_000)
    await b.admin('POST', '/v1/admin/drain', { reason: 'moving house' })
    await world.advance(100)
    const refused = await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) })
    expect([refused.status, await bodyOf(refused)]).toEqual([
      503,
      expect.objectContaining({ message: expect.stringContaining('moving house') }),
    ])
    await a.admin('POST', '/v1/admin/undrain', { reason: 'done' })
    await world.advance(100)
    expect(b.market().admin.drain.now()).toBeNull()
    const denied = await b.admin('POST', '/v1/admin/denials', {
      target: { kind: 'tenant', subject: tenant.id },
      reason: 'unpaid',
      expiresAt: null,
      stop: true,
    })
    expect(await bodyOf(denied)).toMatchObject({ jobs: 1 })
    await a.closed(tenant, job.id)
    expect(a.market().admin.denials.all()).toHaveLength(1)
    await b.admin('POST', '/v1/admin/audit', {})
    await world.advance(100)
    expect(a.market().admin.audits.last()).toEqual(b.market().admin.audits.last())
  })

  test('a region that is denied loses the leases and offers of agents linked elsewhere, at a node that was just started too', async () => {
    const { a, b, world, start } = await setUp(['a', 'b'])
    const denied = await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 60_000, offer: { region: 'eu-west' } })
    const other = await b.agent({ key: 2, slots: 1, nanoUsd: 900n, taskMs: 10, offer: { region: 'us-east' } })
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(3, { slots: 1 }))
    await world.advance(2_000)
    expect([denied.starts.length > 0, other.starts.length]).toEqual([true, 0])
    await a.kill()
    const fresh = await start('a')
    await world.advance(100)
    expect(fresh.market().modules.jobs.get(job.id)).toBeDefined()
    const answer = await b.admin('POST', '/v1/admin/denials', {
      target: { kind: 'region', subject: 'eu-west' },
      reason: 'sanctions',
      expiresAt: null,
      stop: true,
    })
    expect(await bodyOf(answer)).toMatchObject({ jobs: 1, leases: 1 })
    await world.until(async () => (await b.store().jobs.get(job.id))?.phase === 'succeeded')
    await world.advance(100)
    expect([denied.settled.length, other.settled.length]).toEqual([0, 3])
    await fresh.kill()
    const newest = await start('a')
    await world.advance(2_500)
    const spec = noopSpec(1, { slots: 1, maxPrice: { nanoUsd: '100', per: 'task' } })
    const refused = await at(newest, tenant).request('POST', '/v1/jobs', toJson({ spec }))
    expect(await bodyOf(refused)).toMatchObject({ code: 'nothing_fits' })
    await newest.audit(job.id)
  })

  test('a denial of a region ends no lease of an agent that was there once', async () => {
    const { a, b, world } = await setUp(['a', 'b'])
    const agent = await b.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 5_000, offer: { region: 'mars' } })
    await world.advance(100)
    expect(await bodyOf(a.app().request('/v1/offers'))).toMatchObject({ offers: [{ record: { region: 'mars' } }] })
    agent.publish({ region: 'eu-west' })
    await world.advance(100)
    const tenant = await a.tenant()
    const job = await tenant.submit(noopSpec(1, { slots: 1 }))
    await world.advance(2_000)
    expect(agent.starts).toHaveLength(1)
    const target = { kind: 'region', subject: 'mars' }
    const denied = a.admin('POST', '/v1/admin/denials', { target, reason: 'no packets', expiresAt: null, stop: true })
    expect(await bodyOf(denied)).toMatchObject({ jobs: 0, leases: 0 })
    await a.closed(tenant, job.id)
    expect(agent.starts).toHaveLength(1)
    await a.audit(job.id)
  })

  test('what is denied here is not bought from a node that has yet to hear of it', async () => {
    const { a, b, world } = await setUp(['a', 'b'])
    const agent = await b.agent({ key: 1, slots: 1, nanoUsd: 100n, offer: { region: 'eu-west' } })
    const tenant = await a.tenant()
    await world.advance(100)
    // The word of it is on its way to the other node, which still shows the offer.
    b.reach.database = false
    const target = { kind: 'region' as const, subject: 'eu-west' }
    await a
      .store()
      .admin.deny({ ...target, reason: 'x', expiresAt: null, stopped: false, at: world.now(), by: 'adm' as never })
    await a.market().admin.denials.load()
    const refused = await tenant.request('POST', '/v1/jobs', { spec: noopSpec(2, { slots: 1 }) })
    expect(await bodyOf(refused)).toMatchObject({ code: 'nothing_fits' })
    expect(await bodyOf(a.app().request('/v1/offers'))).toEqual({ offers: [] })
    expect(await bodyOf(b.app().request('/v1/offers'))).toMatchObject({
      offers: [{ record: { provider: agent.address } }],
    })
  })

  test('the status of any node lists all of them', async () => {
    const { a, b, world } = await setUp()
    await b.agent({ key: 1, slots: 1, nanoUsd: 100n })
    await world.advance(2_000)
    const status = await bodyOf(a.admin('GET', '/v1/admin/status', undefined))
    expect(status['bus']).toBe(true)
    expect(status['nodes']).toMatchObject([
      { name: 'a', isThis: true, answers: true, links: 0 },
      { name: 'b', isThis: false, answers: true, links: 1 },
      { name: 'c', isThis: false, answers: true, links: 0 },
    ])
    b.reach.hop = false
    await world.advance(4_000)
    const after = await bodyOf(a.admin('GET', '/v1/admin/status', undefined))
    expect(after['nodes']).toMatchObject([{ answers: true }, { answers: false }, { answers: true }])
  })
})
