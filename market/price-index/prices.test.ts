import { hourMs, hourOf, indexRules, type PriceHistory, type PriceIndex, type ReceiptBundle } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse, type Rehearsal, type Tenant } from '../rehearsal/rehearse.ts'
import type { ScriptedAgent } from '../rehearsal/script.ts'

const gpu = { vendor: 'nvidia', model: 'NVIDIA H100 80GB HBM3', vramBytes: 80_000_000_000 } as const
const month = 30 * 24 * hourMs

/** So many providers with a GPU each, at 100 nano-dollars a task and one more for each next, and as many tenants. */
const setUp = async (count = 4) => {
  const stage = await rehearse()
  const offer = { region: 'eu-west', country: 'NL', expiresAt: stage.world.now() + month }
  const resources = { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0, gpuCount: 1 }
  const agents: ScriptedAgent[] = []
  for (let key = 1; key <= count; key++) {
    const gpus = [{ ...gpu, uuid: `GPU-${key}` }]
    agents.push(await stage.agent({ key, slots: 1, nanoUsd: 99n + BigInt(key), offer: { ...offer, gpus, resources } }))
  }
  const tenants: Tenant[] = []
  for (let number = 0; number < count; number++) tenants.push(await stage.tenant(1_000_000n))
  /** One task of a tenant at one provider. */
  const trade = async (tenant: Tenant, provider: number, tasks = 1) => {
    const placement = { providers: [agents[provider]?.address] }
    const spec = noopSpec(tasks, { slots: 1, resources: { ...resources, cpuMilli: 1 }, placement })
    const { id } = await tenant.submit(spec)
    await stage.closed(tenant, id)
    return id
  }
  /** Everybody trades with everybody. */
  const tradeAll = async () => {
    for (const [number, tenant] of tenants.entries())
      for (const provider of agents.keys()) await trade(tenant, provider, 1 + ((number + provider) % 2))
  }
  const pass = async (hours: number) => {
    await stage.world.advance(hours * hourMs)
    await keeperOf(stage).catchUp()
  }
  return { stage, agents, tenants, trade, tradeAll, pass }
}

const keeperOf = (stage: Rehearsal) => stage.market().modules.prices.keeper
const get = async <Body>(stage: Rehearsal, path: string): Promise<Body> =>
  (await (await stage.app().request(path)).json()) as Body
const indexOf = (stage: Rehearsal) => get<PriceIndex>(stage, '/v1/prices')
const auditOf = async (stage: Rehearsal) => {
  const response = await stage.admin('GET', '/v1/admin/prices/audit', undefined)
  return (await response.json()) as { hours: number; trades: number; wrong: number[] }
}
const windowOf = (stage: Rehearsal) => ({ from: 0, to: stage.world.now(), stepMs: hourMs })

describe('the index', () => {
  test('is what was paid, by kind of slot and region, some minutes after the hour', async () => {
    const { stage, tradeAll, pass } = await setUp()
    await tradeAll()
    expect((await indexOf(stage)).prices.every(({ figure }) => figure === null)).toBe(true)
    await pass(2)
    const { prices } = await indexOf(stage)
    const found = { kind: 'nvidia-h100', per: 'task', asked: 100 }
    const figure = { providers: 4, tenants: 4, leases: 16, outliers: 0, volume: 24 }
    expect(prices).toMatchObject([
      { ...found, region: null, figure },
      { ...found, region: 'eu-west', figure },
    ])
    const { price = 0, low = 0, high = 0 } = prices[0]?.figure ?? {}
    // 101.5 to three digits.
    expect([101, 102]).toContain(price)
    expect(low).toBeLessThanOrEqual(101)
    expect(high).toBeGreaterThanOrEqual(102)
  })

  test('says nothing of a market where few traded, not even that they did', async () => {
    const { stage, tenants, agents, trade, pass } = await setUp(3)
    for (const tenant of tenants.slice(0, indexRules.leastTenants - 1))
      for (const provider of agents.keys()) await trade(tenant, provider)
    for (const agent of agents) agent.cut()
    await pass(4)
    expect((await indexOf(stage)).prices).toEqual([])
    const history = await get<PriceHistory>(stage, '/v1/prices/history?kind=nvidia-h100&per=task&step=hour')
    expect(history.points).toHaveLength(30)
    expect(history.points.every(({ figure }) => figure === null)).toBe(true)
  })

  test('is for everybody to read and to keep for a minute', async () => {
    const { stage } = await setUp(1)
    for (const path of ['/v1/prices', '/v1/prices/history?kind=cpu&per=task']) {
      const { status, headers } = await stage.app().request(path)
      expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=60'])
    }
    const own = await (await stage.tenant()).request('GET', '/v1/jobs')
    expect(own.headers.get('cache-control')).toBe('no-store')
  })
})

describe('the history', () => {
  test('has a gap where nothing was paid, and what was asked beside it', async () => {
    const { stage, tradeAll, pass } = await setUp()
    await tradeAll()
    const first = hourOf(stage.world.now())
    await pass(3)
    await tradeAll()
    await pass(2)
    const path = `/v1/prices/history?kind=nvidia-h100&per=task&region=eu-west&step=hour&from=${first}`
    const { points } = await get<PriceHistory>(stage, path)
    expect(points.map(({ at, figure }) => [(at - first) / hourMs, figure?.leases ?? 0])).toEqual([
      [0, 16],
      [1, 0],
      [2, 0],
      [3, 16],
      [4, 0],
    ])
    expect(points.every(({ asked }) => asked === 100)).toBe(true)
    const elsewhere = await get<PriceHistory>(stage, path.replace('eu-west', 'us-east'))
    expect(elsewhere.points.every(({ figure, asked }) => figure === null && asked === null)).toBe(true)
    const daily = await get<PriceHistory>(stage, '/v1/prices/history?kind=nvidia-h100&per=task&step=day')
    expect(daily.points).toHaveLength(30)
  })

  test.each([
    ['no kind', 'per=task'],
    ['a kind that is none', 'kind=gpu&per=task'],
    ['a region that is none', 'kind=cpu&per=task&region=EU'],
    ['no unit', 'kind=cpu'],
    ['a unit that is none', 'kind=cpu&per=year'],
    ['a step that is none', 'kind=cpu&per=task&step=minute'],
    ['more spans than there may be', `kind=cpu&per=task&step=hour&from=0&to=${1001 * hourMs}`],
    ['a time that is none', 'kind=cpu&per=task&from=yesterday'],
    ['what nobody knows', 'kind=cpu&per=task&tenant=tnt_1'],
  ])('of %s is refused', async (_, query) => {
    const { stage } = await setUp(1)
    const response = await stage.app().request(`/v1/prices/history?${query}`)
    expect(await problemOf(response)).toMatchObject({ status: 400, code: 'request_invalid' })
  })

  test('that goes back further than there may be spans begins later', async () => {
    const { stage, pass } = await setUp(1)
    await pass(1)
    const { points } = await get<PriceHistory>(stage, '/v1/prices/history?kind=cpu&per=task&step=hour&from=0')
    expect(points).toHaveLength(1_000)
  })
})

describe('trades are worked out from receipts:', () => {
  test('afresh they are the same, and an audit says so', async () => {
    const { stage, tradeAll, pass } = await setUp()
    await tradeAll()
    await pass(2)
    await tradeAll()
    await pass(2)
    const { prices } = stage.store()
    const kept = await prices.trades(windowOf(stage))
    expect(kept.reduce((sum, { leases }) => sum + leases, 0)).toBe(32)
    expect(await auditOf(stage)).toMatchObject({ wrong: [] })

    const hour = kept[0]?.hour ?? 0
    await prices.replaceHour(hour, kept.filter((trade) => trade.hour === hour).slice(1))
    expect(await auditOf(stage)).toMatchObject({ wrong: [hour] })

    await prices.prune(Infinity)
    await keeperOf(stage).catchUp()
    const again = await prices.trades(windowOf(stage))
    expect(new Set(again.map((trade) => Object.values(trade).join(' ')))).toEqual(
      new Set(kept.map((trade) => Object.values(trade).join(' '))),
    )
    expect(await auditOf(stage)).toMatchObject({ wrong: [] })
  })

  test('one that is refunded later was none', async () => {
    const { stage, tenants, trade, pass } = await setUp(1)
    const [tenant] = tenants
    if (tenant === undefined) throw new Error('a tenant')
    await trade(tenant, 0)
    const job = await trade(tenant, 0)
    await pass(3)
    const { prices } = stage.store()
    expect(await prices.trades(windowOf(stage))).toMatchObject([{ amount: 200n, quantity: 2n, leases: 2 }])
    const listed = await tenant.request('GET', `/v1/jobs/${job}/receipts`)
    const { receipts } = (await listed.json()) as { receipts: ReceiptBundle[] }
    const of = { type: 'receipt', receipt: receipts[0]?.receipt.record.id }
    const refunded = await stage.admin('POST', '/v1/admin/refunds', { of, reason: 'a wrong result' })
    expect(refunded.ok).toBe(true)
    await pass(2)
    expect(await prices.trades(windowOf(stage))).toMatchObject([{ amount: 100n, quantity: 1n, leases: 1 }])
    expect(await auditOf(stage)).toMatchObject({ wrong: [] })
    await stage.audit()
  })

  test('a market that comes back after hours away makes up for them', async () => {
    const { stage, agents, tradeAll, pass } = await setUp()
    await pass(1)
    await tradeAll()
    for (const agent of agents) agent.cut()
    await stage.restart()
    await stage.world.advance(40 * hourMs)
    expect((await stage.store().prices.trades(windowOf(stage))).length).toBe(16)
    expect(await auditOf(stage)).toMatchObject({ wrong: [] })
  })
})
