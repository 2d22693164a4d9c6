import { cidOf, tenantAccount, type AccountNotice } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse, type Rehearsal, type Tenant } from '../rehearsal/rehearse.ts'

const hour = 3_600_000
const bytes = new TextEncoder().encode('a page')

interface Account {
  readonly balance: string
  readonly escrow: string
  readonly burn: string
  readonly runwayMs: number | null
  readonly standing: string
  readonly belowMs: number | null
  readonly graceUntil: number | null
}

const read = async <Body>(tenant: Tenant, path: string): Promise<Body> =>
  (await (await tenant.request('GET', path)).json()) as Body
const accountOf = (tenant: Tenant) => read<Account>(tenant, '/v1/account')
const toldTo = async (tenant: Tenant, query = '') =>
  (await read<{ events: AccountNotice[] }>(tenant, `/v1/account/events${query}`)).events
const deposit = (stage: Rehearsal, tenant: Tenant, amount: string) =>
  stage.admin('POST', '/v1/admin/deposits', { to: { account: 'tenant', tenant: tenant.id }, amount })

/** One agent with two slots, that takes an hour for a task at 1,000 nano-dollars. */
const setUp = async (balance: bigint, market = {}) => {
  const stage = await rehearse({ market: { leaseTermMs: 30 * 86_400_000, progressSlackMs: 3_600_000, ...market } })
  const agent = await stage.agent({
    key: 1,
    slots: 2,
    nanoUsd: 1_000n,
    taskMs: hour,
    offer: { expiresAt: stage.world.now() + 30 * 86_400_000 },
  })
  const tenant = await stage.tenant(balance)
  const submit = async (tasks: number) =>
    (await tenant.submit(noopSpec(tasks, { limits: { taskTimeoutMs: 2 * hour } }))).id
  return { stage, agent, tenant, submit }
}

describe('the money of an account', () => {
  test('lasts for ever while nothing is being spent', async () => {
    const { tenant } = await setUp(5_000n)
    expect(await accountOf(tenant)).toMatchObject({ balance: '5000', burn: '0', runwayMs: null, standing: 'fine' })
    expect(await toldTo(tenant)).toEqual([])
  })

  test('lasts as long as balance and escrow do at what its jobs spend', async () => {
    const { stage, tenant, submit } = await setUp(30_000n)
    const job = await submit(20)
    await stage.world.advance(5 * hour + 60_000)
    const found = await accountOf(tenant)
    expect(BigInt(found.balance) + BigInt(found.escrow)).toBe(20_000n)
    const burn = BigInt(found.burn)
    expect(burn > 1_900n && burn <= 2_000n).toBe(true)
    expect(found.runwayMs).toBe(Number((20_000n * BigInt(hour)) / burn))
    const { jobs } = await read<{ jobs: unknown[] }>(tenant, '/v1/account/runway')
    expect(jobs).toEqual([{ job, name: 'rehearsed', burn: found.burn, escrow: '10000', expected: '10000' }])
  })

  test('is told of on the account’s stream, once for each threshold, and when it is enough again', async () => {
    const { stage, tenant, submit } = await setUp(20_000n, { lowBalanceHours: '8,2' })
    await submit(20)
    await stage.world.advance(hour / 2)
    expect((await accountOf(tenant)).standing).toBe('fine')
    await stage.world.advance(6 * hour)
    expect(await accountOf(tenant)).toMatchObject({ standing: 'low', belowMs: 8 * hour })
    expect((await toldTo(tenant)).map(({ standing, belowMs }) => [standing, belowMs])).toEqual([['low', 8 * hour]])
    await deposit(stage, tenant, '1000000')
    await stage.world.advance(90_000)
    const told = await toldTo(tenant)
    expect(told.map(({ number, standing }) => [number, standing])).toEqual([
      [1, 'low'],
      [2, 'fine'],
    ])
    expect(await toldTo(tenant, '?after=1')).toEqual(told.slice(1))
  })

  test('where it is used up nothing that runs is stopped: a job is paid for to its end', async () => {
    const { stage, tenant, submit, agent } = await setUp(6_000n, { emptyGraceMs: 0 })
    const job = await submit(6)
    expect((await accountOf(tenant)).balance).toBe('0')
    expect((await stage.closed(tenant, job, 30 * hour)).outcome).toBe('succeeded')
    expect(agent.cancelled).toEqual([])
    await stage.world.advance(90_000)
    expect(await accountOf(tenant)).toMatchObject({ balance: '0', escrow: '0', standing: 'stopped' })
  })

  test('once it is used up uploads go on until the grace period is over, and again after a deposit', async () => {
    const { stage, tenant, submit } = await setUp(2_000n, { emptyGraceMs: 5 * hour })
    await stage.closed(tenant, await submit(2), 5 * hour)
    await stage.world.advance(90_000)
    const empty = await accountOf(tenant)
    expect(empty).toMatchObject({ standing: 'grace', burn: '0' })
    const since = (empty.graceUntil ?? 0) - 5 * hour
    expect(stage.world.now() - since).toBeLessThanOrEqual(90_000)
    const upload = async () => (await tenant.upload(cidOf(bytes), bytes)).status
    expect(await upload()).toBe(201)
    expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) }))).toMatchObject({
      code: 'insufficient_funds',
    })
    await stage.world.advance(4.9 * hour)
    expect(await upload()).toBe(201)
    await stage.world.advance(0.2 * hour)
    expect(await upload()).toBe(402)
    expect((await toldTo(tenant)).map(({ standing }) => standing).slice(-2)).toEqual(['grace', 'stopped'])
    await deposit(stage, tenant, '1')
    expect(await upload()).toBe(201)
    expect((await toldTo(tenant)).at(-1)?.standing).toBe('fine')
  })

  test('an account that never had any has no grace to upload in', async () => {
    const { stage } = await setUp(1n)
    const poor = await stage.tenant(0n)
    expect((await poor.upload(cidOf(bytes), bytes)).status).toBe(402)
    expect(await accountOf(poor)).toMatchObject({ standing: 'fine', graceUntil: null })
    expect(await toldTo(poor)).toEqual([])
  })

  test('is a tenant’s own: nobody else is told of it', async () => {
    const { stage, tenant, submit } = await setUp(2_000n)
    await stage.closed(tenant, await submit(2), 5 * hour)
    await stage.world.advance(90_000)
    const other = await stage.tenant(5n)
    expect(await toldTo(other)).toEqual([])
    expect((await stage.app().request('/v1/account/events')).status).toBe(401)
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(0n)
  })
})
