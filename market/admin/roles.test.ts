import { adminRoles, fillPath, mayCall, ownersRule, routes, type AdminLogEntry, type Route } from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adminKey } from '../rehearsal/rehearse.ts'
import { stageAdmin } from './stage-admin.ts'

const adminRoutes = Object.entries<Route>(routes).filter(([, { auth }]) => auth === 'admin')
const logOf = (body: Record<string, unknown>): AdminLogEntry[] => body['actions'] as AdminLogEntry[]

describe('roles', () => {
  test('what each may call is what is written here', () => {
    const callable = Object.fromEntries(
      adminRoles.map((role) => [
        role,
        adminRoutes.filter(([, { admin = ownersRule }]) => mayCall(role, admin)).map(([name]) => name),
      ]),
    )
    expect(callable['owner']).toEqual(adminRoutes.map(([name]) => name))
    expect(callable['operator']?.toSorted()).toEqual(
      ['adminLog', 'allow', 'deny', 'drain', 'listDenials', 'marketStatus', 'undrain'].toSorted(),
    )
    expect(callable['support']?.toSorted()).toEqual(['listTenants', 'tenantJobs'])
    expect(callable['auditor']?.toSorted()).toEqual(['auditLedger', 'auditPrices'])
  })

  test('every route refuses every role that it does not name, before it reads a body, and records that', async () => {
    const { owner, as, keyOf } = await stageAdmin(adminKey)
    for (const role of adminRoles.slice(1)) {
      const ask = as((await keyOf(role)).adminKey)
      for (const [name, route] of adminRoutes) {
        if (mayCall(role, route.admin ?? ownersRule)) continue
        const path = fillPath(route, Object.fromEntries(Object.keys(route.params.shape).map((key) => [key, 'x'])))
        const { status, body } = await ask(route.method, path)
        expect([role, name, status, body['code']]).toEqual([role, name, 403, 'forbidden'])
        const [last] = logOf((await owner('GET', '/v1/admin/log?limit=1')).body)
        expect(last).toMatchObject({
          action: name,
          role,
          outcome: 'refused',
          code: 'forbidden',
          actorName: `a ${role}`,
        })
      }
    }
  })

  test('each may do what it is for', async () => {
    const { stage, as, keyOf } = await stageAdmin(adminKey)
    const tenant = await stage.tenant(1_000n, 'Acme')
    const [operator, support, auditor] = await Promise.all(
      (['operator', 'support', 'auditor'] as const).map(async (role) => as((await keyOf(role)).adminKey)),
    )
    expect((await operator?.('GET', '/v1/admin/status'))?.status).toBe(200)
    expect((await support?.('GET', '/v1/admin/tenants'))?.body).toMatchObject({
      tenants: [{ tenant: tenant.id, name: 'Acme', denied: null }],
    })
    expect((await support?.('GET', `/v1/admin/tenants/${tenant.id}/jobs`))?.body).toEqual({ jobs: [] })
    expect((await auditor?.('GET', '/v1/admin/ledger/audit'))?.body).toMatchObject({ ok: true })
  })
})

describe('admin keys', () => {
  test('a key is shown once, hashed at rest, and refused from the moment it is revoked', async () => {
    const { stage, owner, as, keyOf } = await stageAdmin(adminKey)
    const { key, adminKey: made } = await keyOf('operator')
    expect((await as(made)('GET', '/v1/admin/status')).status).toBe(200)
    const listed = await owner('GET', '/v1/admin/keys')
    expect(listed.body).toMatchObject({ keys: [{ id: key, role: 'operator', createdBy: 'owner', revokedAt: null }] })
    expect(JSON.stringify(listed.body)).not.toContain(made.slice(-10))
    expect(JSON.stringify(await stage.store().admin.keys())).not.toContain(made.slice(-10))
    expect((await owner('DELETE', `/v1/admin/keys/${key}`)).status).toBe(200)
    expect((await as(made)('GET', '/v1/admin/status')).body).toMatchObject({ code: 'unauthenticated' })
    expect((await owner('DELETE', `/v1/admin/keys/${key}`)).body).toMatchObject({ code: 'not_found' })
    expect((await owner('GET', '/v1/admin/status')).status).toBe(200)
  })

  test('an owner’s key makes keys too, and says whose it was', async () => {
    const { owner, as, keyOf } = await stageAdmin(adminKey)
    const second = await keyOf('owner')
    await as(second.adminKey)('POST', '/v1/admin/keys', { name: 'third', role: 'auditor' })
    expect((await owner('GET', '/v1/admin/keys')).body).toMatchObject({
      keys: expect.arrayContaining([expect.objectContaining({ name: 'third', createdBy: second.key })]),
    })
  })

  test('no text but a key opens anything', async () => {
    const { as, keyOf, stage } = await stageAdmin(adminKey)
    const { adminKey: made } = await keyOf('owner')
    const tenant = await stage.tenant()
    const change = (text: string, at: number): string =>
      text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.nat({ max: made.length - 1 }).map((at) => change(made, at)),
          fc.nat({ max: adminKey.length - 1 }).map((at) => change(adminKey, at)),
          fc.stringMatching(/^mak_[0-9A-Z]{26}_[A-Za-z0-9_-]{43}$/),
          fc.constantFrom(tenant.apiKey, made.slice(0, -1), `${made}x`, adminKey.toUpperCase(), 'owner'),
        ),
        async (text) => {
          const { status } = await as(text)('GET', '/v1/admin/status')
          expect(status).toBe(401)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('the admin log', () => {
  test('says who did what, about whom and why, before it is done, and where it was refused', async () => {
    const { stage, owner } = await stageAdmin(adminKey)
    const tenant = await stage.tenant(0n, 'Somebody Private')
    const to = { account: 'tenant', tenant: tenant.id }
    const why = { 'muster-reason': encodeURIComponent('invoice 7, paid\u0007 – thanks') }
    await owner('POST', '/v1/admin/deposits', { to, amount: 5n }, why)
    const missing = 'key_01K5KRN0M0ABCDEFGHJKMNPQRS'
    await owner('DELETE', `/v1/admin/keys/${missing}`)
    const actions = logOf((await owner('GET', '/v1/admin/log')).body)
    expect(actions.map(({ action, outcome, code }) => [action, outcome, code])).toEqual([
      ['revokeAdminKey', 'refused', 'not_found'],
      ['revokeAdminKey', 'asked', null],
      ['deposit', 'asked', null],
      ['createTenant', 'asked', null],
    ])
    expect(actions[0]?.of).toBe(actions[1]?.id)
    expect(actions[1]?.facts).toEqual({ key: missing })
    expect(actions[2]).toMatchObject({
      facts: { to, amount: '5' },
      reason: 'invoice 7, paid  – thanks',
      actor: 'owner',
    })
    expect(JSON.stringify(actions)).not.toContain('Somebody Private')
    const page = await owner('GET', `/v1/admin/log?limit=1&before=${actions[1]?.id}`)
    expect(logOf(page.body)).toEqual([actions[2]])
  })

  test('what cannot be recorded is not done', async () => {
    const fail = () => Promise.reject(new Error('the disk is full'))
    const { stage, owner } = await stageAdmin(adminKey, {
      wrapStore: (store) => ({ ...store, admin: { ...store.admin, record: fail } }),
    })
    expect((await owner('POST', '/v1/admin/keys', { name: 'x', role: 'owner' })).status).toBe(500)
    expect(await stage.store().admin.keys()).toEqual([])
    expect((await owner('GET', '/v1/admin/status')).status).toBe(200)
  })

  test('keeps the order of what is done within one millisecond', async () => {
    const { stage, owner } = await stageAdmin(adminKey)
    const reasons = Array.from({ length: 30 }, (_, index) => `step ${index}`)
    for (const reason of reasons) await owner('POST', '/v1/admin/drain', { reason })
    const actions = await stage.store().admin.actions({ limit: 100 })
    expect(actions.map(({ reason }) => reason)).toEqual(reasons.toReversed())
  })
})
