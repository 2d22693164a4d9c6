import { createSigner, loadSecp256k1, signRecord, type LeaseId, type LeaseView, type OfferTerm } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse, type Tenant } from '../rehearsal/rehearse.ts'

const secp256k1 = await loadSecp256k1()
const hourMs = 3_600_000
const reservedTerm: OfferTerm = { kinds: ['reserved', 'on-demand'], minMs: 0, maxMs: 48 * hourMs }

interface JobLeases {
  readonly slots: number
  readonly resizes: number
  readonly leases: readonly LeaseView[]
}

const leasesOf = async (tenant: Tenant, job: string): Promise<JobLeases> =>
  (await (await tenant.request('GET', `/v1/jobs/${job}/leases`)).json()) as JobLeases

const openLeases = async (tenant: Tenant, job: string) =>
  (await leasesOf(tenant, job)).leases.filter(({ closed }) => closed === null)

const resize = (tenant: Tenant, job: string, slots: number) => tenant.request('PUT', `/v1/jobs/${job}/slots`, { slots })

const extend = (tenant: Tenant, job: string, lease: LeaseId, until: number) =>
  tenant.request('POST', `/v1/jobs/${job}/leases/${lease}/extend`, { until })

const setUp = async ({ tasks = 60, slots = 2, agentSlots = 8, taskMs = 600_000 } = {}, lease = {}) => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: agentSlots, nanoUsd: 100n, taskMs, offer: { term: reservedTerm } })
  const tenant = await stage.tenant()
  const limits = { taskTimeoutMs: 1_200_000, maxFailures: 3 }
  const { id: job } = await tenant.submit(noopSpec(tasks, { slots, limits, ...lease }))
  await stage.world.advance(100)
  const [first] = (await leasesOf(tenant, job)).leases
  if (first === undefined) throw new Error('no lease')
  return { stage, agent, tenant, job, lease: first.id, until: first.until }
}

const reserved = { lease: { kind: 'reserved', termMs: 2 * hourMs } }

describe('an extension', () => {
  test('is signed by both sides, and the lease takes work past its first end', async () => {
    const { stage, agent, tenant, job, lease, until } = await setUp({}, reserved)
    const response = await extend(tenant, job, lease, until + hourMs)
    expect(response.status).toBe(200)
    const view = (await response.json()) as LeaseView
    expect(view).toMatchObject({ until: until + hourMs, amendments: [{ record: { number: 1, slots: 2 } }] })
    await stage.world.advance(2 * hourMs + 60_000)
    const given = agent.starts.length
    await stage.world.advance(1_200_000)
    expect(agent.starts.length).toBeGreaterThan(given)
    expect([...agent.leases.keys()]).toEqual([lease])
    agent.taskMs = 1
    await stage.closed(tenant, job)
    await stage.audit(job)
    const { receipts } = (await (await tenant.request('GET', `/v1/jobs/${job}/receipts`)).json()) as {
      receipts: { amendments?: unknown[] }[]
    }
    expect(receipts[0]?.amendments).toHaveLength(1)
    expect((await tenant.events(job)).find(({ type }) => type === 'lease-amended')?.message).toContain('until')
  })

  test('asked for twice is made once, and one to an earlier time is none', async () => {
    const { agent, tenant, job, lease, until } = await setUp({}, reserved)
    const asked = [1, 2, 3].map(() => extend(tenant, job, lease, until + hourMs))
    const answers = await Promise.all(asked)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    await extend(tenant, job, lease, until - hourMs)
    const [view] = (await leasesOf(tenant, job)).leases
    expect(view).toMatchObject({ until: until + hourMs })
    expect(view?.amendments).toHaveLength(1)
    expect(agent.calls.filter((call) => call === 'amend-lease').length).toBeLessThanOrEqual(3)
  })

  test.each([
    [1, 2],
    [2, 1],
  ])('asked for at once with another: provider and market hold to the later end (%i h and %i h)', async (...hours) => {
    const { agent, tenant, job, lease, until } = await setUp({}, reserved)
    const signed: { readonly number: number; readonly until: number }[] = []
    agent.script = {
      amendLease: (honest, asked) => {
        signed.push(asked)
        return honest()
      },
    }
    const answers = await Promise.all(hours.map((each) => extend(tenant, job, lease, until + each * hourMs)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ until: until + 2 * hourMs })
    expect(signed.map(({ number }) => number)).toEqual(signed.map((_, index) => index + 1))
    expect(signed.at(-1)?.until).toBe(until + 2 * hourMs)
  })

  test('whose answer was lost is made by asking again', async () => {
    const { stage, agent, tenant, job, lease, until } = await setUp({}, reserved)
    agent.script = {
      amendLease: (honest) => {
        honest()
        agent.cut()
        throw new Error('the link broke')
      },
    }
    expect((await extend(tenant, job, lease, until + hourMs)).status).toBeGreaterThanOrEqual(500)
    agent.script = {}
    agent.link(stage.market())
    await stage.world.advance(100)
    expect((await extend(tenant, job, lease, until + 2 * hourMs)).status).toBe(200)
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ until: until + 2 * hourMs })
  })

  test('after the end is refused: of a lease that is over, closed, or under notice', async () => {
    const { stage, agent, tenant, job, lease, until } = await setUp({ agentSlots: 2 })
    agent.send({ type: 'notice', leases: [lease], by: 0, inMs: 30_000 })
    await stage.world.settle()
    const noticed = await problemOf(await extend(tenant, job, lease, until + hourMs))
    expect(noticed).toMatchObject({
      status: 410,
      code: 'lease_closed',
      message: expect.stringContaining('under notice'),
    })
    await stage.world.advance(2 * hourMs)
    const closed = await problemOf(await extend(tenant, job, lease, until + 3 * hourMs))
    expect(closed).toMatchObject({ code: 'lease_closed' })
    await tenant.cancel(job)
    await stage.world.advance(1_000)
    expect(await problemOf(await extend(tenant, job, lease, until + 3 * hourMs))).toMatchObject({ code: 'conflict' })
  })

  test('is refused for a spot lease, for longer than any lease lasts, of no lease, and of another’s job', async () => {
    const { tenant, stage, job, lease, until } = await setUp({}, reserved)
    expect(await problemOf(await extend(tenant, job, lease, until + 367 * 24 * hourMs))).toMatchObject({
      code: 'request_invalid',
    })
    const nowhere = 'lse_01K5KRN0M0ABCDEFGHJKMNPQRY' as LeaseId
    expect(await problemOf(await extend(tenant, job, nowhere, until + 1))).toMatchObject({ code: 'not_found' })
    const stranger = await stage.tenant()
    expect(await problemOf(await extend(stranger, job, lease, until + 1))).toMatchObject({ code: 'not_found' })
    const spotTerm: OfferTerm = { kinds: ['spot'], noticeMs: 60_000, minMs: 0, maxMs: 48 * hourMs }
    await stage.agent({ key: 2, slots: 2, nanoUsd: 50n, taskMs: 600_000, offer: { term: spotTerm } })
    const limits = { taskTimeoutMs: 1_200_000 }
    const { id } = await tenant.submit(noopSpec(8, { limits, lease: { kind: 'spot' } }))
    await stage.world.advance(100)
    const [spot] = (await leasesOf(tenant, id)).leases
    if (spot === undefined) throw new Error('no lease')
    expect(await problemOf(await extend(tenant, id, spot.id, spot.until + hourMs))).toMatchObject({ code: 'conflict' })
  })

  test('that the provider signs otherwise than it was asked, or another signs, is none', async () => {
    const { agent, tenant, job, lease, until } = await setUp({}, reserved)
    agent.script = {
      amendLease: (honest) => {
        const { record } = honest()
        return signRecord(agent.signer, { chainId: 31_337, market: record.market }, { ...record, slots: 1 })
      },
    }
    expect(await problemOf(await extend(tenant, job, lease, until + hourMs))).toMatchObject({ code: 'record_invalid' })
    const other = createSigner(secp256k1, new Uint8Array(32).fill(99))
    agent.script = {
      amendLease: (honest) => {
        const { record } = honest()
        return signRecord(other, { chainId: 31_337, market: record.market }, record)
      },
    }
    expect(await problemOf(await extend(tenant, job, lease, until + hourMs))).toMatchObject({
      code: 'signature_invalid',
    })
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ until, amendments: [] })
  })

  test('that races with the end of the job is refused or made, and nothing is left open', async () => {
    for (const afterMs of [0, 1, 2, 3, 5, 8]) {
      const { stage, agent, tenant, job, lease, until } = await setUp({ tasks: 2, taskMs: 200 }, reserved)
      await stage.world.advance(100 + afterMs)
      const asking = extend(tenant, job, lease, until + hourMs)
      const cancelling = tenant.cancel(job)
      expect([200, 409, 410]).toContain((await asking).status)
      await cancelling
      await stage.closed(tenant, job)
      await stage.world.advance(1_000)
      expect(agent.leases.size).toBe(0)
      await stage.audit(job)
    }
  })

  test('survives a restart of the market', async () => {
    const { stage, agent, tenant, job, lease, until } = await setUp({}, reserved)
    await extend(tenant, job, lease, until + hourMs)
    await stage.restart()
    agent.link(stage.market())
    await stage.world.advance(2 * hourMs + 1_200_000)
    expect((await leasesOf(tenant, job)).leases[0]).toMatchObject({ closed: null, until: until + hourMs })
  })
})

describe('a job that is made larger', () => {
  test('gets more slots of the same provider first, whatever others ask', async () => {
    const { stage, agent, tenant, job } = await setUp({ agentSlots: 6 })
    const cheap = await stage.agent({ key: 2, slots: 8, nanoUsd: 10n, taskMs: 600_000 })
    const view = (await (await resize(tenant, job, 5)).json()) as JobLeases
    expect(view).toMatchObject({ slots: 5, resizes: 1 })
    await stage.world.advance(100)
    expect([...agent.leases.values()].map(({ record }) => record.slots)).toEqual([2, 3])
    expect(cheap.leases.size).toBe(0)
    await resize(tenant, job, 10)
    await stage.world.advance(100)
    expect([...agent.leases.values()].map(({ record }) => record.slots)).toEqual([2, 3, 1])
    expect([...cheap.leases.values()].map(({ record }) => record.slots)).toEqual([4])
    for (const each of [agent, cheap]) each.taskMs = 1
    await stage.closed(tenant, job)
    await stage.audit(job)
    const { receipts } = (await (await tenant.request('GET', `/v1/jobs/${job}/receipts`)).json()) as {
      receipts: { lease: { record: { slots: number } }; resize?: { record: { slots: number } } }[]
    }
    for (const { lease, resize: asked } of receipts)
      expect(lease.record.slots <= 2 || (asked?.record.slots ?? 0) >= lease.record.slots).toBe(true)
  })
})

describe('a job that is made smaller', () => {
  test('gives idle slots back at once and busy ones after their attempts', async () => {
    const { stage, agent, tenant, job } = await setUp({ slots: 8, agentSlots: 8 })
    await resize(tenant, job, 3)
    await stage.world.advance(100)
    expect(await openLeases(tenant, job)).toMatchObject([{ slots: 3, amendments: [{ record: { slots: 3 } }] }])
    await stage.world.advance(1_300_000)
    const busy = [...agent.attempts.values()].length
    expect(busy).toBeLessThanOrEqual(6)
    agent.taskMs = 1
    await stage.closed(tenant, job)
    await stage.audit(job)
  })

  test('gives whole leases back, the dearest first', async () => {
    const stage = await rehearse()
    const dear = await stage.agent({ key: 2, slots: 2, nanoUsd: 300n, taskMs: 60_000 })
    const tenant = await stage.tenant()
    const { id: job } = await tenant.submit(noopSpec(60, { slots: 4 }))
    await stage.world.advance(100)
    const cheap = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 60_000 })
    await stage.world.advance(100)
    await resize(tenant, job, 2)
    await stage.world.advance(200_000)
    expect(dear.leases.size).toBe(0)
    expect(cheap.leases.size).toBe(1)
    const { leases } = await leasesOf(tenant, job)
    expect(leases.find(({ provider }) => provider === dear.address)).toMatchObject({ closed: 'done', isBroken: false })
    cheap.taskMs = 1
    await stage.closed(tenant, job)
    await stage.audit(job)
  })

  test('asks an agent that is out of reach once it is back', async () => {
    const { stage, agent, tenant, job } = await setUp({ slots: 8, agentSlots: 8 })
    agent.cut()
    await resize(tenant, job, 3)
    await stage.world.advance(2_000)
    agent.link(stage.market())
    await stage.world.advance(10_000)
    expect(await openLeases(tenant, job)).toMatchObject([{ slots: 3 }])
  })
})

describe('a resize', () => {
  test('to the same number changes nothing', async () => {
    const { tenant, job } = await setUp()
    expect((await resize(tenant, job, 2)).status).toBe(200)
    expect((await leasesOf(tenant, job)).resizes).toBe(0)
  })

  test('is refused for no slots, of a closed job, and of another’s', async () => {
    const { stage, tenant, job } = await setUp({ tasks: 1, taskMs: 1 })
    expect(await problemOf(await resize(tenant, job, 0))).toMatchObject({ code: 'request_invalid' })
    expect(await problemOf(await resize(await stage.tenant(), job, 3))).toMatchObject({ code: 'not_found' })
    await stage.closed(tenant, job)
    expect(await problemOf(await resize(tenant, job, 3))).toMatchObject({ code: 'conflict' })
  })

  test('survives a restart of the market', async () => {
    const { stage, agent, tenant, job } = await setUp({ agentSlots: 8 })
    await resize(tenant, job, 5)
    await stage.world.advance(100)
    await stage.restart()
    agent.link(stage.market())
    await stage.world.advance(5_000)
    expect(await leasesOf(tenant, job)).toMatchObject({ slots: 5, resizes: 1 })
    expect((await openLeases(tenant, job)).reduce((sum, { slots }) => sum + slots, 0)).toBe(5)
  })
})
