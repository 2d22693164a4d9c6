import { digestOf, maxNoticeMs, parseId, type LeaseId, type LeaseView, type OfferTerm } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse, type Rehearsal, type Tenant } from '../rehearsal/rehearse.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import type { ScriptedAgent } from '../rehearsal/script.ts'

const hourMs = 3_600_000
const spotTerm: OfferTerm = { kinds: ['spot'], noticeMs: 60_000, minMs: 0, maxMs: 24 * hourMs }
const reservedTerm: OfferTerm = { kinds: ['reserved'], minMs: hourMs, maxMs: 24 * hourMs }
const spot = { lease: { kind: 'spot' } }
const reserved = { lease: { kind: 'reserved', termMs: 2 * hourMs } }

interface JobLeases {
  readonly slots: number
  readonly leases: readonly LeaseView[]
}

const leasesOf = async (tenant: Tenant, job: string): Promise<JobLeases> =>
  (await (await tenant.request('GET', `/v1/jobs/${job}/leases`)).json()) as JobLeases

const firstLease = (agent: ScriptedAgent): LeaseId => {
  const [id] = agent.leases.keys()
  if (id === undefined) throw new Error('the agent holds no lease')
  return id
}

const recordOf = async (stage: Rehearsal, { address }: ScriptedAgent) => {
  await stage.world.advance(2_000)
  const response = await stage.app().request(`/v1/providers/${address}/record`)
  return (await response.json()) as { newest: { outages: number; breaches?: number; failed: number }[] }
}

const notice = (agent: ScriptedAgent, inMs: number, change: { takesWork?: true; leases?: LeaseId[] } = {}): void =>
  agent.send({ type: 'notice', leases: [firstLease(agent)], by: 0, inMs, ...change })

/** One agent of a kind, and a tenant with a job of it under way. */
const stageOf = async (term: OfferTerm, lease: object, { tasks = 8, taskMs = 20_000, slots = 2 } = {}) => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots, nanoUsd: 100n, taskMs, offer: { term } })
  const tenant = await stage.tenant()
  const job = await tenant.submit(noopSpec(tasks, { slots, ...lease }))
  await stage.world.advance(100)
  return { stage, agent, tenant, job: job.id }
}

describe('an order is met by offers of its kind only', () => {
  test('and is told which kinds there are', async () => {
    const stage = await rehearse()
    await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, offer: { term: spotTerm } })
    const tenant = await stage.tenant()
    const ask = async (lease: object) => {
      const { slots, resources, runtime, maxPrice } = noopSpec(1) as Record<string, unknown>
      const placement = { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} }
      const response = await tenant.request('POST', '/v1/offers/match', {
        ...{ slots, resources, runtime, maxPrice, placement },
        ...lease,
      })
      return (await response.json()) as { offers: unknown[]; problem: { message: string } | null }
    }
    expect((await ask(spot)).offers).toHaveLength(1)
    expect((await ask({})).problem?.message).toContain('lease.kind: expected on-demand, found spot')
    expect((await ask(reserved)).problem?.message).toContain('lease.kind: expected reserved, found spot')
    expect((await ask({ lease: { kind: 'spot', minNoticeMs: 120_000 } })).problem?.message).toContain(
      'lease.minNotice: expected at least 2m, found 1m',
    )
    expect((await ask({ lease: { kind: 'spot', termMs: 48 * hourMs } })).problem?.message).toContain(
      'lease.term: expected 48h, found 0ms to 24h',
    )
  })

  test('and one that says no term is held to the term that leases of the market have', async () => {
    const stage = await rehearse({ market: { leaseTermMs: hourMs } })
    const longTerm: OfferTerm = { kinds: ['on-demand'], minMs: 2 * hourMs, maxMs: 24 * hourMs }
    await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, offer: { term: longTerm } })
    const tenant = await stage.tenant()
    const said = 'lease.term: expected 1h, found 2h to 24h'
    const spec = noopSpec(1) as Record<string, unknown>
    expect((await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))).message).toContain(said)
    const { slots, resources, runtime, maxPrice } = spec
    const match = async (taskTimeoutMs: number) => {
      const demand = { slots, resources, runtime, maxPrice, placement: {}, taskTimeoutMs }
      const response = await tenant.request('POST', '/v1/offers/match', demand)
      return (await response.json()) as { offers: unknown[]; problem: { message: string } | null }
    }
    expect((await match(60_000)).problem?.message).toContain(said)
    expect((await match(hourMs)).offers).toHaveLength(1)
  })

  test('where it would not run into maintenance', async () => {
    const stage = await rehearse()
    const now = stage.world.now()
    const maintenance = [{ from: now + 3 * hourMs, until: now + 4 * hourMs }]
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, offer: { term: reservedTerm, maintenance } })
    const tenant = await stage.tenant()
    const { id: fits } = await tenant.submit(noopSpec(2, { slots: 1, ...reserved }))
    const spec = noopSpec(2, { slots: 1, lease: { kind: 'reserved', termMs: 3.5 * hourMs } })
    const { message } = await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))
    expect(message).toContain('maintenance: expected none before')
    await stage.closed(tenant, fits)
    const page = await (await stage.app().request(`/v1/providers/${agent.address}/record`)).json()
    expect(page).toMatchObject({ maintenance })
  })

  test('and a lease says what was reserved: kind, term and notice', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, { lease: { kind: 'spot', termMs: 2 * hourMs } })
    const { record } = [...agent.leases.values()][0] ?? {}
    expect(record).toMatchObject({ term: { kind: 'spot', termMs: 2 * hourMs, noticeMs: 60_000 } })
    expect((record?.paidUntil ?? 0) - (record?.startsAt ?? 0)).toBe(2 * hourMs)
    await stage.closed(tenant, job)
    await stage.audit(job)
  })

  test('and an agent that reserves for another term is passed over', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, offer: { term: spotTerm } })
    agent.script = {
      reserve: (honest) => ({
        ...honest(),
        record: { ...honest().record, term: { kind: 'spot', termMs: hourMs, noticeMs: 1_000 } },
      }),
    }
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(2, spot))
    await stage.world.advance(3_000)
    expect(agent.leases.size).toBe(0)
    expect((await tenant.job(id)).phase).toBe('active')
  })
})

describe('a spot lease under notice', () => {
  test('gets what ends in time and nothing else, and the rest moves without a charge or a penalty', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot, { tasks: 40 })
    await stage.world.advance(21_000)
    notice(agent, 60_000, { takesWork: true })
    await stage.world.settle()
    const given = agent.starts.length
    const other = await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, taskMs: 20_000, offer: { term: spotTerm } })
    await stage.world.advance(500)
    expect(other.leases.size).toBe(1)
    await stage.world.advance(59_000)
    expect(agent.starts.length).toBeGreaterThan(given)
    // What is under way then the provider ends at its word.
    const lost = [...agent.attempts.values()]
    const problem = {
      code: 'lease_closed',
      message: 'Taken back.',
      facts: {},
      fault: 'provider',
      retry: 'never',
    } as const
    await stage.world.advance(500)
    agent.send({ type: 'failures', failures: lost.map(({ attempt }) => ({ attempt, problem })) })
    agent.wipe()
    const view = await stage.closed(tenant, job)
    expect(view).toMatchObject({ outcome: 'succeeded', counts: { final: 40 } })
    await stage.audit(job)
    const { leases } = await leasesOf(tenant, job)
    expect(leases[0]).toMatchObject({ kind: 'spot', closed: 'returned', isBroken: false })
    expect(await recordOf(stage, agent)).toMatchObject({ newest: [{ outages: 0, failed: 0 }] })
    const said = (await tenant.events(job)).find(({ type }) => type === 'lease-noticed')
    expect(said?.message).toContain('it gets only tasks that end before')
  })

  test('gets nothing where nobody knows how long a task takes', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot, { tasks: 12 })
    notice(agent, 600_000, { takesWork: true })
    const given = agent.starts.length
    await stage.world.advance(15_000)
    expect(agent.starts.length).toBe(given)
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: spotTerm } })
    await stage.closed(tenant, job)
    await stage.audit(job)
  })

  test('that ends sooner than its notice breaks its term, which stands on the record', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot)
    notice(agent, 30_000)
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: spotTerm } })
    await stage.closed(tenant, job)
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ isBroken: true })
    expect(await recordOf(stage, agent)).toMatchObject({ newest: [{ outages: 1, breaches: 1 }] })
    expect((await tenant.events(job)).find(({ type }) => type === 'lease-noticed')?.message).toContain(
      'breaks its term',
    )
  })

  test('that its provider ends at once, whatever it said, breaks its term', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot)
    notice(agent, 60_000)
    await stage.world.advance(1_000)
    const [attempt] = agent.attempts.keys()
    if (attempt === undefined) throw new Error('an attempt')
    const problem = { code: 'lease_closed', message: 'Gone.', facts: {}, fault: 'provider', retry: 'never' } as const
    agent.send({ type: 'failures', failures: [{ attempt, problem }] })
    agent.wipe()
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: spotTerm } })
    await stage.closed(tenant, job)
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ isBroken: true, closed: 'returned' })
    await stage.audit(job)
  })

  test('keeps a task from being given up, however often it is interrupted in order', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n, taskMs: 90_000, offer: { term: spotTerm } })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(1, { slots: 1, ...spot }))
    const problem = {
      code: 'lease_closed',
      message: 'Taken back.',
      facts: {},
      fault: 'provider',
      retry: 'never',
    } as const
    for (let round = 0; round < 12; round++) {
      await stage.world.until(() => agent.leases.size > 0)
      notice(agent, 60_000)
      await stage.world.advance(60_000)
      agent.send({ type: 'failures', failures: [...agent.attempts.keys()].map((attempt) => ({ attempt, problem })) })
      await stage.world.advance(1_000)
    }
    agent.taskMs = 10
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
  })
})

describe('a reserved lease', () => {
  test('that its provider takes back before its term is broken, and the bond goes back all the same', async () => {
    const { stage, agent, tenant, job } = await stageOf(reservedTerm, reserved)
    notice(agent, hourMs)
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: reservedTerm } })
    await stage.closed(tenant, job)
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ kind: 'reserved', isBroken: true })
    expect(await recordOf(stage, agent)).toMatchObject({ newest: [{ outages: 1, breaches: 1 }] })
    await stage.audit(job)
  })

  test('whose machine vanishes is broken', async () => {
    const { stage, agent, tenant, job } = await stageOf(reservedTerm, reserved)
    agent.cut()
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: reservedTerm } })
    await stage.closed(tenant, job)
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ closed: 'lost', isBroken: true })
  })
})

describe('a notice', () => {
  test('of another provider’s lease changes nothing', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot)
    const other = await stage.agent({ key: 2, slots: 0, nanoUsd: 300n, offer: { term: spotTerm } })
    other.send({ type: 'notice', leases: [firstLease(agent)], by: 0, inMs: 60_000 })
    other.send({ type: 'notice', leases: [parseId('lease', 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY')], by: 0, inMs: 60_000 })
    await stage.world.settle()
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ notice: null })
    await stage.closed(tenant, job)
  })

  test('given twice counts once; an earlier end counts, a later one does not', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot)
    const noticed = async () => (await tenant.events(job, '?after=0')).filter(({ type }) => type === 'lease-noticed')
    const from = stage.world.now()
    notice(agent, 300_000)
    await stage.world.advance(1)
    notice(agent, 299_999)
    notice(agent, 600_000)
    await stage.world.advance(1)
    expect((await leasesOf(tenant, job)).leases[0]?.notice?.endsAt).toBe(from + 300_000)
    notice(agent, 120_000)
    await stage.world.advance(1)
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({
      isBroken: false,
      notice: { endsAt: from + 120_002 },
    })
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: spotTerm } })
    await stage.closed(tenant, job)
    expect(await noticed()).toHaveLength(2)
  })

  test('from the past is one of now', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot)
    const now = stage.world.now()
    agent.send({ type: 'notice', leases: [firstLease(agent)], by: now - hourMs })
    await stage.world.settle()
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ isBroken: true, notice: { endsAt: now } })
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: spotTerm } })
    await stage.closed(tenant, job)
    await stage.audit(job)
  })

  test('further ahead than 720 hours is none', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot)
    notice(agent, maxNoticeMs + 1)
    await stage.world.settle()
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ notice: null })
    await stage.closed(tenant, job)
  })

  test('of an agent whose clock is an hour off ends when its own time is up', async () => {
    for (const skewMs of [-hourMs, hourMs]) {
      const { stage, agent, tenant, job } = await stageOf(spotTerm, spot)
      const now = stage.world.now()
      const leases = [firstLease(agent)]
      agent.send({ type: 'notice', leases, by: now + skewMs + 60_000, inMs: 60_000 })
      await stage.world.settle()
      expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({
        isBroken: false,
        notice: { endsAt: now + 60_000 },
      })
      await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: spotTerm } })
      await stage.closed(tenant, job)
      await stage.audit(job)
    }
  })

  test('or an end that the market’s clock steps away from counts by the time that passed', async () => {
    for (const stepMs of [-hourMs / 2, hourMs / 2]) {
      const plain = createVirtualWorld()
      let skewMs = 0
      const world = { ...plain, now: () => plain.now() + skewMs }
      const stage = await rehearse({ world })
      const agent = await stage.agent({
        key: 1,
        slots: 2,
        nanoUsd: 100n,
        taskMs: 5 * hourMs,
        offer: { term: reservedTerm },
      })
      const tenant = await stage.tenant()
      const limits = { taskTimeoutMs: 6 * hourMs }
      const { id } = await tenant.submit(noopSpec(2, { limits, ...reserved }))
      await world.advance(hourMs)
      skewMs = stepMs
      await world.advance(hourMs)
      const problem = { code: 'lease_closed', message: 'Over.', facts: {}, fault: 'provider', retry: 'never' } as const
      agent.send({ type: 'failures', failures: [...agent.attempts.keys()].map((attempt) => ({ attempt, problem })) })
      agent.wipe()
      await world.settle()
      expect((await leasesOf(tenant, id)).leases[0]).toMatchObject({ isBroken: false })
      agent.taskMs = 1
      agent.publish()
      await stage.closed(tenant, id)
      await stage.audit(id)
    }
  })

  test('is not forgotten by a market that restarts', async () => {
    const { stage, agent, tenant, job } = await stageOf(spotTerm, spot, { tasks: 12 })
    notice(agent, 300_000)
    await stage.world.settle()
    await stage.restart()
    agent.link(stage.market())
    const given = agent.starts.length
    await stage.world.advance(10_000)
    expect(agent.starts.length).toBe(given)
    expect((await leasesOf(tenant, job)).leases[0]?.notice).not.toBeNull()
    await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, offer: { term: spotTerm } })
    await stage.closed(tenant, job)
    await stage.audit(job)
  })
})

test('what a job’s lease is and was is nobody else’s to see', async () => {
  const { stage, tenant, job } = await stageOf(spotTerm, spot)
  const stranger = await stage.tenant()
  expect(await problemOf(await stranger.request('GET', `/v1/jobs/${job}/leases`))).toMatchObject({ code: 'not_found' })
  const { leases } = await leasesOf(tenant, job)
  expect(leases[0]).toMatchObject({ kind: 'spot', phase: 'open', amendments: [] })
  expect(digestOf(leases[0]?.lease.record ?? null)).toMatch(/^0x/)
  await stage.closed(tenant, job)
})
