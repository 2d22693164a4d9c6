import { marketStatusSchema } from '@muster/protocol'
import { expect, test } from 'vitest'
import { adminKey, noopSpec, problemOf } from '../rehearsal/rehearse.ts'
import { stageAdmin } from './stage-admin.ts'

test('a draining market takes no new job, runs those it has to their end, and takes new ones again', async () => {
  const { stage, owner } = await stageAdmin(adminKey)
  await stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 50 })
  const tenant = await stage.tenant(1_000_000n)
  const idempotency = { 'idempotency-key': 'ord_01K5KRN0M0ABCDEFGHJKMNPQRS' }
  const { id } = await tenant.submit(noopSpec(20), idempotency)
  const begun = await owner('POST', '/v1/admin/drain', { reason: 'a new disk.' })
  expect(begun.body).toMatchObject({ activeJobs: 1, draining: { by: 'owner', reason: 'a new disk.' } })

  const refused = await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) })
  expect(refused.headers.get('retry-after')).toBe('60')
  expect(await problemOf(refused)).toMatchObject({ status: 503, code: 'unavailable', facts: { reason: 'a new disk.' } })
  expect((await tenant.submit(noopSpec(20), idempotency)).id).toBe(id)

  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
  expect((await owner('GET', '/v1/admin/status')).body).toMatchObject({ jobs: { active: 0, runningTasks: 0 } })
  expect((await owner('POST', '/v1/admin/undrain', { reason: 'done' })).body).toMatchObject({ draining: null })
  const next = await tenant.submit(noopSpec(1))
  expect(await stage.closed(tenant, next.id)).toMatchObject({ outcome: 'succeeded' })
  await stage.audit(id)
})

test('draining ends with the process', async () => {
  const { stage, owner } = await stageAdmin(adminKey)
  await owner('POST', '/v1/admin/drain', { reason: 'an upgrade' })
  await stage.restart()
  expect((await owner('GET', '/v1/admin/status')).body).toMatchObject({ draining: null })
})

test('the status tells of links, jobs, commits, and the last audit', async () => {
  const { stage, owner } = await stageAdmin(adminKey)
  await stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 5_000 })
  const tenant = await stage.tenant(1_000_000n)
  await tenant.submit(noopSpec(30))
  await stage.world.advance(1_000)
  const status = marketStatusSchema.parse((await owner('GET', '/v1/admin/status')).body)
  expect(status).toMatchObject({ links: 1, jobs: { active: 1 }, draining: null, denials: 0, audit: null, disk: null })
  expect(status.jobs.runningTasks + status.jobs.waitingTasks).toBe(30)
  expect(status.store.commitsPerSecond).toBeGreaterThan(0)
  expect(status.store.pendingCommits).toBe(0)
  expect(status.uptimeMs).toBe(1_000)
  await owner('GET', '/v1/admin/ledger/audit')
  const after = marketStatusSchema.parse((await owner('GET', '/v1/admin/status')).body)
  expect(after.audit).toMatchObject({ ok: true, faults: 0 })
  expect(after.audit?.checked).toBeGreaterThan(0)
})
