import { cidOf, earningsAccount, escrowAccount, type JobId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { adminKey, noopSpec, problemOf, type Tenant } from '../rehearsal/rehearse.ts'
import { stageAdmin, type AdminStage } from './stage-admin.ts'

const setUp = async () => {
  const admin = await stageAdmin(adminKey)
  const agent = await admin.stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 1_000 })
  const tenant = await admin.stage.tenant(1_000_000n)
  return { ...admin, agent, tenant }
}

const deny = async (
  { owner }: AdminStage,
  target: Record<string, unknown>,
  more: Record<string, unknown> = {},
): Promise<Record<string, unknown>> => {
  const { status, body } = await owner('POST', '/v1/admin/denials', {
    target,
    reason: 'spam from this address',
    ...more,
  })
  expect(status).toBe(201)
  return body
}

const typesOf = async (tenant: Tenant, job: JobId) => (await tenant.events(job)).map(({ type }) => type)

const dispatched = async (stage: AdminStage['stage'], tenant: Tenant, job: JobId) =>
  stage.world.until(async () => (await tenant.job(job)).counts.running > 0)

describe('a tenant that is denied', () => {
  test('gets no new job, loses what waits, is paid out for nothing it has not had, and reads why', async () => {
    const all = await setUp()
    const { stage, tenant, agent } = all
    const { id } = await tenant.submit(noopSpec(50))
    await dispatched(stage, tenant, id)
    const answer = await deny(all, { kind: 'tenant', subject: tenant.id })
    expect(answer).toMatchObject({ jobs: 1, leases: 0, denial: { kind: 'tenant', stopped: false } })
    const job = await stage.closed(tenant, id)
    expect(job.outcome).toBe('failed')
    expect(job.counts.final).toBeGreaterThan(0)
    expect(job.counts.final + job.counts.abandoned).toBe(50)
    expect(await stage.balance(earningsAccount(agent.address))).toBe(300n * BigInt(job.counts.final))
    const given = (await tenant.tasks(id)).find(({ phase }) => phase === 'abandoned')
    expect(given?.problem).toMatchObject({ code: 'forbidden', facts: { reason: 'spam from this address' } })
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) }))).toMatchObject({
      status: 403,
      code: 'forbidden',
      message: 'This account is denied on this market: spam from this address',
    })
    const bytes = new Uint8Array([1, 2, 3])
    expect(await problemOf(await tenant.upload(cidOf(bytes), bytes))).toMatchObject({ code: 'forbidden' })
    expect(await (await tenant.request('GET', '/v1/account')).json()).toMatchObject({
      denied: { reason: 'spam from this address', expiresAt: null, stopped: false },
    })
    await stage.audit(id)
  })

  test('has what runs stopped, unpaid, where that is asked for', async () => {
    const all = await setUp()
    const { stage, tenant, agent } = all
    const other = await stage.tenant(1_000_000n)
    const { id } = await tenant.submit(noopSpec(50))
    await dispatched(stage, tenant, id)
    await deny(all, { kind: 'tenant', subject: tenant.id }, { stop: true })
    await stage.closed(tenant, id)
    expect(await typesOf(tenant, id)).toContain('cancelled-attempts')
    expect(await stage.balance(earningsAccount(agent.address))).toBe(0n)
    expect(await stage.balance(escrowAccount(id))).toBe(0n)
    const next = await other.submit(noopSpec(2))
    expect(await stage.closed(other, next.id)).toMatchObject({ outcome: 'succeeded' })
    await stage.audit(id)
  })

  test('is denied after a restart, and welcome again when allowed or when the time is over', async () => {
    const all = await setUp()
    const { stage, tenant, owner, agent } = all
    const target = { kind: 'tenant', subject: tenant.id }
    await deny(all, target, { expiresAt: stage.world.now() + 60_000 })
    agent.cut()
    await stage.restart()
    agent.link(stage.market())
    expect((await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) })).status).toBe(403)
    expect((await owner('GET', '/v1/admin/denials')).body).toMatchObject({ denials: [target] })
    await stage.world.advance(61_000)
    expect((await owner('GET', '/v1/admin/denials')).body).toEqual({ denials: [] })
    agent.publish()
    expect((await tenant.submit(noopSpec(1))).id).toMatch(/^job_/)
    await deny(all, target)
    expect((await owner('POST', '/v1/admin/denials/end', { target })).status).toBe(200)
    expect((await owner('POST', '/v1/admin/denials/end', { target })).body).toMatchObject({ code: 'not_found' })
    agent.publish()
    expect((await tenant.submit(noopSpec(1))).id).toMatch(/^job_/)
  })
})

describe('a provider or a region that is denied', () => {
  const region = { kind: 'region', subject: 'eu-west' }

  test.each([
    ['provider', undefined],
    ['region', region],
  ])('a %s gets no new lease, keeps the leases it has, and reads why', async (_, given) => {
    const all = await setUp()
    const { stage, tenant, agent, owner } = all
    agent.publish({ region: 'eu-west' })
    const { id } = await tenant.submit(noopSpec(4))
    await dispatched(stage, tenant, id)
    const target = given ?? { kind: 'provider', subject: agent.address }
    expect(await deny(all, target)).toMatchObject({ leases: 0 })
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', counts: { final: 4 } })
    expect(await (await stage.app().request('/v1/offers')).json()).toEqual({ offers: [] })
    agent.publish({ region: 'eu-west' })
    await stage.world.advance(2_000)
    expect(await (await stage.app().request('/v1/offers')).json()).toEqual({ offers: [] })
    expect((await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) })).status).toBe(409)
    expect(await (await stage.app().request(`/v1/providers/${agent.address}`)).json()).toMatchObject({
      denied: { reason: 'spam from this address' },
    })
    await owner('POST', '/v1/admin/denials/end', { target })
    expect((await tenant.submit(noopSpec(1))).id).toMatch(/^job_/)
  })

  test('has its leases ended where that is asked for, and others do the work', async () => {
    const all = await setUp()
    const { stage, tenant, agent } = all
    const { id } = await tenant.submit(noopSpec(20))
    await dispatched(stage, tenant, id)
    const other = await stage.agent({ key: 2, slots: 2, nanoUsd: 500n, taskMs: 10 })
    expect(await deny(all, { kind: 'provider', subject: agent.address }, { stop: true })).toMatchObject({
      jobs: 1,
      leases: 1,
    })
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', counts: { final: 20 } })
    expect(await stage.balance(earningsAccount(agent.address))).toBe(0n)
    expect(await stage.balance(earningsAccount(other.address))).toBe(10_000n)
    await stage.audit(id)
  })

  test('a denied provider without a lease to finish gets no challenge to link with', async () => {
    const all = await setUp()
    await deny(all, { kind: 'provider', subject: all.agent.address })
    const response = await all.stage.app().request('/v1/agent/challenge', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ provider: all.agent.address }),
    })
    expect(await problemOf(response)).toMatchObject({ status: 403, code: 'forbidden', fault: 'provider' })
  })
})

test.each([
  [{ kind: 'tenant', subject: 'tnt_x' }, {}],
  [{ kind: 'image', subject: 'x' }, {}],
  [{ kind: 'region', subject: 'eu\nwest' }, {}],
  [{ kind: 'region', subject: 'eu' }, { reason: '' }],
  [{ kind: 'region', subject: 'eu' }, { expiresAt: 5 }],
])('a denial of %j with %j is refused', async (target, more) => {
  const { owner, stage } = await stageAdmin(adminKey)
  const { status } = await owner('POST', '/v1/admin/denials', { target, reason: 'why', ...more })
  expect(status).toBe(400)
  expect(await stage.store().admin.denials()).toEqual([])
})
