import { commitName, digestOf, jobSpecSchema, commitSpec, type JobView, type Hex } from '@muster/protocol'
import { expect, test, vi } from 'vitest'
import { noopSpec, problemOf, rehearse, type Rehearsal, type Tenant } from '../rehearsal/rehearse.ts'
import { loadJob } from '../job/load-job.ts'
import { eraseTenant } from './erase-tenant.ts'

const setUp = async () => {
  const stage = await rehearse()
  await stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 10 })
  const tenant = await stage.tenant(1_000_000n, 'Ada Lovelace')
  const erase = (): Promise<Response> =>
    stage.admin('POST', `/v1/admin/tenants/${tenant.id}/erase`, { reason: 'asked to' })
  const named = async (): Promise<(string | null)[]> => {
    const { jobs } = (await (await stage.admin('GET', `/v1/admin/tenants/${tenant.id}/jobs`, undefined)).json()) as {
      jobs: JobView[]
    }
    return jobs.map(({ name }) => name)
  }
  return { stage, tenant, erase, named }
}

const secretSpec = (tasks: number, more: Record<string, unknown> = {}) =>
  noopSpec(tasks, { name: 'scans-of-ada', ...more })

test('names are gone with the key, and everything that was signed still verifies', async () => {
  const { stage, tenant, erase, named } = await setUp()
  const nameSalt: Hex = `0x${'3c'.repeat(32)}`
  const { id } = await tenant.submit(secretSpec(3, { nameSalt }))
  await stage.closed(tenant, id)
  expect(await named()).toEqual(['scans-of-ada'])
  const sealed = await stage.store().personal.texts([tenant.id, id])
  expect(sealed.size).toBe(2)
  for (const text of sealed.values()) expect(Buffer.from(text).toString('latin1')).not.toMatch(/ada|Ada/)

  expect(await (await erase()).json()).toMatchObject({ keys: 1, jobs: 1, blobRefs: 0, balance: '999100' })

  expect(await named()).toEqual([null])
  const listed = (await (await stage.admin('GET', '/v1/admin/tenants', undefined)).json()) as { tenants: unknown[] }
  expect(listed.tenants).toMatchObject([{ tenant: tenant.id, name: null }])
  expect(await stage.store().personal.key(tenant.id)).toBeNull()
  const job = (await loadJob(stage.store(), id))?.job
  const written = jobSpecSchema.parse(secretSpec(3))
  expect(job?.order.record.job).toBe(digestOf(job?.spec))
  expect(job?.order.record.job).toBe(digestOf(commitSpec(written, nameSalt)))
  expect(job?.spec.nameCommitment).toBe(commitName('scans-of-ada', nameSalt))
  expect(JSON.stringify(await stage.store().readEvents(id, { from: 0, limit: 1_000 }), replacer)).not.toContain('ada')
  await stage.audit(id)
})

const replacer = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

test('an erased tenant takes part in nothing any more, and is erased once', async () => {
  const { stage, tenant, erase } = await setUp()
  await erase()
  await stage.world.advance(6_000)
  expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec: secretSpec(1) }))).toMatchObject({
    code: 'unauthenticated',
  })
  expect(await (await erase()).json()).toMatchObject({ keys: 0, jobs: 0 })
})

test('a key that another node still trusts submits nothing after the erasure', async () => {
  const { tenant, erase, stage } = await setUp()
  await tenant.request('GET', '/v1/jobs')
  await erase()
  expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec: secretSpec(1) }))).toMatchObject({
    code: 'forbidden',
  })
  await stage.audit()
})

test('a tenant with a job that is not closed is not erased, nor one that does not exist', async () => {
  const { stage, tenant, erase, named } = await setUp()
  const { id } = await tenant.submit(secretSpec(500))
  expect(await problemOf(await erase())).toMatchObject({ code: 'conflict', facts: { jobs: [id] } })
  expect(await named()).toEqual(['scans-of-ada'])
  const unknown = await stage.admin('POST', `/v1/admin/tenants/${tenant.id.slice(0, -1)}0/erase`, { reason: 'x' })
  expect(await problemOf(unknown)).toMatchObject({ code: 'not_found' })
})

const standing = async (stage: Rehearsal, tenant: Tenant, change: Record<string, unknown> = {}) => {
  const terms = { until: stage.world.now() + 86_400_000 }
  const answer = await tenant.request('POST', '/v1/standing-orders', { spec: secretSpec(2, change), terms })
  return (await answer.json()) as { id: string }
}

test('a standing order that becomes a job meanwhile is waited for, and no other does', async () => {
  const { stage, tenant, erase } = await setUp()
  const late = await standing(stage, tenant, { maxPrice: { nanoUsd: '200', per: 'task' } })
  const { accounts, personal } = stage.store()
  const keys = accounts.keys.bind(accounts)
  vi.spyOn(accounts, 'keys').mockImplementationOnce(async (of) => {
    await stage.agent({ key: 2, slots: 2, nanoUsd: 200n, taskMs: 60_000 })
    await stage.world.advance(2_000)
    return keys(of)
  })
  const refused = await problemOf(await erase())
  const [job] = await stage.store().jobs.list({ tenant: tenant.id, limit: 2 })
  expect(refused).toMatchObject({ code: 'conflict', facts: { jobs: [job?.id] } })
  expect(refused.message).toContain('keys and standing orders are ended')
  expect(await personal.key(tenant.id)).not.toBeNull()
  await stage.world.advance(600_000)
  expect(await (await erase()).json()).toMatchObject({ keys: 0, jobs: 1 })
  expect(await personal.key(tenant.id)).toBeNull()
  expect(await personal.texts([late.id, job?.id ?? '', tenant.id])).toEqual(new Map())
  await stage.audit(job?.id)
})

/** A market whose store fails from a call on, as where its process dies there. */
const stageCrash = async () => {
  let left = Infinity
  const dying = <Part extends object>(part: Part): Part =>
    Object.fromEntries(
      Object.entries(part).map(([name, member]: [string, unknown]) => {
        if (typeof member === 'object' && member !== null) return [name, dying(member)]
        if (typeof member !== 'function') return [name, member]
        return [
          name,
          async (...args: unknown[]): Promise<unknown> => {
            if (--left < 0) throw new Error('the process is gone')
            return Reflect.apply(member, part, args)
          },
        ]
      }),
    ) as Part
  const stage = await rehearse({ wrapStore: dying })
  await stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 10 })
  const tenant = await stage.tenant(1_000_000n, 'Ada Lovelace')
  const { id } = await tenant.submit(secretSpec(2))
  await stage.closed(tenant, id)
  const orders = [await standing(stage, tenant, { slots: 9 }), await standing(stage, tenant, { slots: 8 })]
  return {
    stage,
    tenant,
    subjects: [id, tenant.id, ...orders.map((order) => order.id)],
    dieAfter: (calls: number) => void (left = calls),
  }
}

test('an erasure that is cut short at any step is finished by another', async () => {
  let isWhole = false
  let crashes = 0
  for (let calls = 0; !isWhole; calls++) {
    const { stage, tenant, subjects, dieAfter } = await stageCrash()
    dieAfter(calls)
    isWhole = await eraseTenant(tenant.id, stage.market().modules).then(
      () => true,
      () => false,
    )
    dieAfter(Infinity)
    if (!isWhole) crashes++
    await stage.restart()
    await eraseTenant(tenant.id, stage.market().modules)
    const { accounts, personal, standingOrders } = stage.store()
    expect((await accounts.keys(tenant.id)).filter(({ revokedAt }) => revokedAt === null)).toEqual([])
    expect(await standingOrders.countOpen(tenant.id)).toBe(0)
    expect(await personal.key(tenant.id)).toBeNull()
    expect(await personal.texts(subjects)).toEqual(new Map())
    await stage.audit()
  }
  expect(crashes).toBeGreaterThan(8)
})

test('what is repeated commits to the name as it did first, with and without a salt', async () => {
  const { tenant, stage } = await setUp()
  const key = 'ord_01K5KRN0M0ABCDEFGHJKMNPQRW'
  const first = await tenant.request('POST', '/v1/jobs', { spec: secretSpec(1) }, { 'idempotency-key': key })
  const again = await tenant.request('POST', '/v1/jobs', { spec: secretSpec(1) }, { 'idempotency-key': key })
  expect([first.status, again.status]).toEqual([201, 201])
  const other = await tenant.request(
    'POST',
    '/v1/jobs',
    { spec: secretSpec(1, { name: 'other' }) },
    { 'idempotency-key': key },
  )
  expect(await problemOf(other)).toMatchObject({ code: 'conflict' })
  await stage.audit()
})

test('names of closed jobs go when their time is over, where the market says so', async () => {
  const stage = await rehearse({ market: { keepNamesMs: 3_600_000 } })
  await stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 10 })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(secretSpec(1))
  expect((await stage.closed(tenant, id)).name).toBe('scans-of-ada')
  await stage.world.advance(3_000_000)
  expect((await tenant.job(id)).name).toBe('scans-of-ada')
  await stage.world.advance(1_500_000)
  expect((await tenant.job(id)).name).toBeNull()
})
