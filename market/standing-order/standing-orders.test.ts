import { newId, toJson, type StandingOrderView } from '@muster/protocol'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { noopSpec, problemOf, type Rehearsal } from '../rehearsal/rehearse.ts'
import { restoreSpec } from './hidden-name.ts'
import { findMade, makeJob } from './make-job.ts'
import {
  hour,
  setUp,
  read,
  show,
  eventsOf,
  typesOf,
  jobsOf,
  balanceOf,
  until,
  isEnded,
} from './stage-standing-orders.ts'

describe('a standing order', () => {
  test('holds nothing and waits; when the supply can take it, it becomes a job', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const order = await placed()
    expect(order).toMatchObject({ name: 'rehearsed', phase: 'open', runs: 0, job: null, slots: 2, ceiling: '200' })
    await stage.world.advance(hour)
    expect(await balanceOf(stage, tenant)).toBe(100_000n)
    expect(await jobsOf(tenant)).toEqual([])
    await supply()
    await until(stage, tenant, order, isEnded)
    expect(await show(tenant, order)).toMatchObject({ ended: 'done', runs: 1, charged: '200' })
    expect(await typesOf(tenant, order)).toEqual(['placed', 'decided', 'ran', 'finished', 'ended'])
    const [job] = await jobsOf(tenant)
    expect(job).toMatchObject({ outcome: 'succeeded', name: 'rehearsed' })
    expect(await balanceOf(stage, tenant)).toBe(99_800n)
    await stage.audit(job?.id)
  })

  test('waits for the price and for all its slots at once', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const order = await placed()
    const agent = await supply(4, 101n)
    await stage.world.advance(60_000)
    agent.publish({ price: { nanoUsd: 100n, per: 'task' }, slots: 1 })
    await stage.world.advance(60_000)
    expect(await show(tenant, order)).toMatchObject({ runs: 0, phase: 'open' })
    agent.publish({ price: { nanoUsd: 100n, per: 'task' }, slots: 2 })
    await stage.world.advance(60_000)
    expect(await show(tenant, order)).toMatchObject({ runs: 1 })
  })

  test('says why it waits, and when it was looked at last', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const order = await placed()
    const said = async () => {
      await stage.world.advance(5_000)
      const { wait } = await show(tenant, order)
      if (wait === null) throw new Error('it waits for nothing')
      expect(wait.lookedAt).toBeGreaterThan(stage.world.now() - 31_000)
      expect(wait.lookedAt).toBeLessThanOrEqual(stage.world.now())
      expect(wait.problem.code).toBe('nothing_fits')
      return wait.problem.message
    }
    expect(await said()).toContain('No agent that is linked')
    const agent = await supply(4, 101n)
    expect(await said()).toContain('price: expected at most 100 nano-dollars, found 101')
    agent.publish({ price: { nanoUsd: 100n, per: 'task' }, slots: 1 })
    expect(await said()).toBe('Of the 2 slots it wants at once, 1 is free at its price.')
    const listed = await read<{ orders: StandingOrderView[] }>(await tenant.request('GET', '/v1/standing-orders'))
    expect(listed.orders[0]?.wait?.problem.message).toContain('1 is free')
    const drain = await stage.admin('POST', '/v1/admin/drain', { reason: 'moving' })
    expect(drain.status).toBe(200)
    expect((await show(tenant, order)).wait?.problem.code).toBe('unavailable')
  })

  test('says no reason to wait while its job runs, nor between jobs', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    await supply()
    const order = await placed({ times: 2, cooldownMs: hour })
    await until(stage, tenant, order, ({ job }) => job !== null)
    expect((await show(tenant, order)).wait).toBeNull()
    await until(stage, tenant, order, ({ job }) => job === null)
    expect((await show(tenant, order)).wait).toBeNull()
  })

  test('two that want the same slots do not both take them', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const [first, second] = [await placed(), await placed()]
    const agent = await supply(2)
    agent.taskMs = 600_000
    await stage.world.advance(20_000)
    const views = [await show(tenant, first), await show(tenant, second)]
    expect(new Set(views.map(({ runs }) => runs))).toEqual(new Set([0, 1]))
  })

  test('runs as often as it says, one after the other, with a pause between', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    await supply()
    const order = await placed({ times: 3, cooldownMs: hour })
    await until(stage, tenant, order, isEnded)
    const events = await eventsOf(tenant, order)
    expect(events.filter(({ type }) => type === 'ran')).toHaveLength(3)
    const began = events.filter(({ type }) => type === 'decided').map(({ at }) => at)
    const ended = events.filter(({ type }) => type === 'finished').map(({ at }) => at)
    for (const [index, at] of began.slice(1).entries()) expect(at - (ended[index] ?? at)).toBeGreaterThanOrEqual(hour)
    expect(await jobsOf(tenant)).toHaveLength(3)
  })

  test('ends when another job might cost more than all may', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    await supply()
    const order = await placed({ times: null, atMost: '500' })
    await until(stage, tenant, order, isEnded)
    expect(await show(tenant, order)).toMatchObject({ ended: 'spent', runs: 2, charged: '400' })
  })

  test('ends when its time is over, supply or not', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const order = await placed({ times: null, until: stage.world.now() + hour })
    await stage.world.advance(hour + 60_000)
    expect(await show(tenant, order)).toMatchObject({ ended: 'expired', runs: 0 })
    await supply()
    await stage.world.advance(hour)
    expect(await jobsOf(tenant)).toEqual([])
  })

  test('without the money says so, and is tried again until there is some', async () => {
    const { stage, tenant, placed, supply } = await setUp({}, 199n)
    await supply()
    const order = await placed()
    await stage.world.advance(10 * 60_000)
    const held = await eventsOf(tenant, order)
    expect(held.map(({ type }) => type)).toEqual(['placed', 'decided', 'held', 'held', 'held', 'held'])
    expect(held[2]).toMatchObject({ run: 1, problem: { code: 'insufficient_funds' } })
    expect(await show(tenant, order)).toMatchObject({ problem: { code: 'insufficient_funds' }, phase: 'open' })
    expect(await balanceOf(stage, tenant)).toBe(199n)
    await stage.admin('POST', '/v1/admin/deposits', { to: { account: 'tenant', tenant: tenant.id }, amount: '1' })
    await until(stage, tenant, order, isEnded)
    expect(await show(tenant, order)).toMatchObject({ ended: 'done', runs: 1, problem: null })
    expect(await jobsOf(tenant)).toHaveLength(1)
  })

  test('that is cancelled makes no more jobs; the one under way goes on', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    await supply()
    const order = await placed({ times: 5 })
    await until(stage, tenant, order, ({ job }) => job !== null)
    const cancelled = await read<StandingOrderView>(
      await tenant.request('POST', `/v1/standing-orders/${order.id}/cancel`),
    )
    expect(cancelled).toMatchObject({ phase: 'ended', ended: 'cancelled', runs: 1 })
    await until(stage, tenant, order, isEnded)
    await stage.world.advance(hour)
    expect(await show(tenant, order)).toMatchObject({ runs: 1, charged: '200', ended: 'cancelled' })
    expect(await jobsOf(tenant)).toMatchObject([{ outcome: 'succeeded' }])
    const again = await tenant.request('POST', `/v1/standing-orders/${order.id}/cancel`)
    expect(again.status).toBe(200)
  })

  test('that is cancelled while a job is being made of it knows of that job, and what it cost', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const order = await placed({ times: 5 })
    const { standingOrders } = stage.market().modules.store
    const advance = standingOrders.advance.bind(standingOrders)
    vi.spyOn(standingOrders, 'advance').mockImplementation(async (change) => {
      const isWritten = await advance(change)
      if (change.events[0]?.type === 'decided')
        await read(await tenant.request('POST', `/v1/standing-orders/${order.id}/cancel`))
      return isWritten
    })
    await supply()
    await stage.world.advance(hour)
    expect(await typesOf(tenant, order)).toEqual(['placed', 'decided', 'ended', 'ran', 'finished'])
    expect(await show(tenant, order)).toMatchObject({ ended: 'cancelled', runs: 1, charged: '200', job: null })
    expect(await jobsOf(tenant)).toHaveLength(1)
  })

  test('of a tenant that is denied waits, and says why, until it is not', async () => {
    const { stage, tenant, placed, supply, place } = await setUp()
    const order = await placed()
    const target = { kind: 'tenant', subject: tenant.id }
    const denied = await stage.admin('POST', '/v1/admin/denials', { target, reason: 'unpaid bills' })
    expect(denied.status).toBe(201)
    await supply()
    await stage.world.advance(60_000)
    expect(await show(tenant, order)).toMatchObject({ runs: 0, problem: { code: 'forbidden' } })
    expect(await problemOf(await place())).toMatchObject({ code: 'forbidden' })
    await stage.admin('POST', '/v1/admin/denials/end', { target })
    await stage.world.advance(hour)
    expect(await show(tenant, order)).toMatchObject({ runs: 1, ended: 'done' })
  })

  test('of a tenant that is erased is over, and nobody knows its name', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const order = await placed({ times: 9 }, { spec: noopSpec(1, { name: 'scans-of-ada' }) })
    const kept = await stage.store().standingOrders.get(order.id)
    expect(toJson(kept)).not.toContain('ada')
    const erased = await stage.admin('POST', `/v1/admin/tenants/${tenant.id}/erase`, { reason: 'asked to' })
    expect(erased.status).toBe(200)
    await supply()
    await stage.world.advance(hour)
    const after = await stage.store().standingOrders.get(order.id)
    expect(after?.state).toMatchObject({ ended: 'cancelled', runs: 0 })
    const { names } = stage.market().modules
    expect(await names.read([{ id: order.id, tenant: tenant.id }])).toEqual(new Map())
  })

  test('waits while the market drains', async () => {
    const { stage, tenant, placed, supply } = await setUp()
    const order = await placed()
    await stage.admin('POST', '/v1/admin/drain', { reason: 'a new disk' })
    await supply()
    await stage.world.advance(hour)
    expect(await typesOf(tenant, order)).toEqual(['placed'])
    await stage.admin('POST', '/v1/admin/undrain', { reason: 'it is in' })
    await stage.world.advance(60_000)
    expect(await show(tenant, order)).toMatchObject({ runs: 1 })
  })
})

describe('one occasion makes one job:', () => {
  const restartAt = async (point: 'before-commit' | 'after-commit') => {
    const found = await setUp()
    const { stage, placed, supply } = found
    const order = await placed()
    let hasFailed = false
    stage.fault = (at) => {
      if (at !== point || hasFailed) return
      hasFailed = true
      throw new Error('the power is out')
    }
    const agent = await rehearsedAgent(stage, supply)
    await stage.world.until(() => hasFailed, hour)
    stage.fault = undefined
    agent.cut()
    await stage.restart()
    agent.link(stage.market())
    return { ...found, order }
  }

  /** The agent's own deposit is a commit too: it comes before the fault. */
  const rehearsedAgent = async (stage: Rehearsal, supply: () => ReturnType<Rehearsal['agent']>) => {
    const fault = stage.fault
    stage.fault = undefined
    const agent = await supply()
    stage.fault = fault
    return agent
  }

  test.each(['before-commit', 'after-commit'] as const)(
    'a market that crashes %s of the job, once it was decided, goes on where it was',
    async (point) => {
      const { stage, tenant, order } = await restartAt(point)
      await until(stage, tenant, order, isEnded)
      expect(await show(tenant, order)).toMatchObject({ runs: 1, charged: '200', ended: 'done' })
      expect(await typesOf(tenant, order)).toEqual(['placed', 'decided', 'ran', 'finished', 'ended'])
      expect(await jobsOf(tenant)).toHaveLength(1)
      expect(await balanceOf(stage, tenant)).toBe(99_800n)
      await stage.audit()
    },
  )

  test('two nodes that make it at once make it once', async () => {
    const { stage, tenant, placed, supply } = await setUp({}, 200n)
    const order = await placed()
    const { store, names, world } = stage.market().modules
    const found = await store.standingOrders.get(order.id)
    if (found === undefined) throw new Error('no order')
    await supply()
    const run = { number: 1, decidedAt: world.now(), job: null }
    const standing = { ...found, state: { ...found.state, run } }
    const modules = { ...stage.market().submitModules, names }
    const made = await Promise.all([1, 2, 3].map(() => makeJob(standing, modules)))
    expect(new Set(made.map((event) => toJson(event)))).toHaveProperty('size', 1)
    expect(made[0]).toMatchObject({ type: 'ran', run: 1 })
    expect(await findMade(standing, modules)).toEqual(made[0])
    expect(await jobsOf(tenant)).toHaveLength(1)
    expect(await balanceOf(stage, tenant)).toBe(0n)
  })

  test('an order that is placed twice with one key is placed once', async () => {
    const { stage, tenant, spec, place } = await setUp()
    const headers = { 'idempotency-key': newId(stage.world, 'standing-order') }
    const terms = { until: stage.world.now() + hour }
    const [first, second] = await Promise.all([place({ terms }, headers), place({ terms }, headers)])
    expect(await read<StandingOrderView>(first)).toEqual(await read<StandingOrderView>(second))
    const other = await place({ terms: { ...terms, times: 2 } }, headers)
    expect(await problemOf(other)).toMatchObject({ status: 409, code: 'conflict' })
    const nameSalt = `0x${'3c'.repeat(32)}`
    for (const change of [{ name: 'other' }, { nameSalt }, { slots: 1 }, { ceiling: '300' }]) {
      const changed = await place({ spec: spec(change), terms }, headers)
      expect(await problemOf(changed)).toMatchObject({ status: 409, code: 'conflict' })
    }
    const stranger = await stage.tenant()
    const body = { spec: noopSpec(1), terms }
    const stolen = await stranger.request('POST', '/v1/standing-orders', body, headers)
    expect(await problemOf(stolen)).toMatchObject({ status: 409, code: 'conflict' })
    expect((await read<{ orders: unknown[] }>(await tenant.request('GET', '/v1/standing-orders'))).orders).toHaveLength(
      1,
    )
  })
})

test('a call that is corrected after a refusal keeps nothing of what was refused', async () => {
  const { stage, tenant, spec, place } = await setUp()
  const headers = { 'idempotency-key': newId(stage.world, 'standing-order') }
  vi.spyOn(stage.store().standingOrders, 'place').mockRejectedValueOnce(new Error('the process is gone'))
  expect((await place({ spec: spec({ name: 'frist' }) }, headers)).status).toBe(500)
  const nameSalt = `0x${'3c'.repeat(32)}`
  const corrected = await read<StandingOrderView>(await place({ spec: spec({ name: 'first', nameSalt }) }, headers))
  expect(corrected.name).toBe('first')
  expect(await show(tenant, corrected)).toMatchObject({ name: 'first' })
  const kept = await stage.store().standingOrders.get(corrected.id)
  if (kept === undefined) throw new Error('placed')
  expect(await restoreSpec(kept.order, stage.market().modules.names)).toMatchObject({ name: 'first', nameSalt })
})

describe('what cannot be is refused at once:', () => {
  const now = 1_790_000_000_000
  test.each<[string, Record<string, unknown>, string]>([
    ['a time that is over', { terms: { until: now - 1 } }, 'terms.until'],
    ['a time beyond a year', { terms: { until: now + 400 * 24 * hour } }, 'terms.until'],
    ['no time', { terms: { until: undefined } }, 'terms.until'],
    ['no job at all', { terms: { times: 0 } }, 'terms.times'],
    ['a budget below one job', { terms: { atMost: '199' } }, 'terms.atMost'],
    ['a budget below nothing', { terms: { atMost: '-1' } }, 'terms.atMost'],
    ['a ceiling below what its tasks cost', { spec: noopSpec(9, { ceiling: '5' }) }, 'spec.ceiling'],
    ['a term nobody knows', { terms: { often: true } }, 'terms'],
    ['orders where the market signs', { orders: [{ record: {}, signature: '0x' }] }, 'orders'],
  ])('%s', async (_, body, path) => {
    const { tenant, place } = await setUp()
    const problem = await problemOf(await place(body))
    expect(problem).toMatchObject({ status: 400, code: 'spec_invalid' })
    expect(toJson(problem.facts)).toContain(path)
    expect((await read<{ orders: unknown[] }>(await tenant.request('GET', '/v1/standing-orders'))).orders).toEqual([])
  })

  test('whatever comes as its terms, spec and orders', async () => {
    const { tenant, spec } = await setUp()
    const json = fc.jsonValue({ maxDepth: 3 })
    const terms = fc.record({ until: json, times: json, cooldownMs: json, atMost: json }, { requiredKeys: [] })
    const body = fc.oneof(
      json,
      fc.record(
        { spec: fc.oneof(fc.constant(spec()), json), terms: fc.oneof(terms, json), orders: json },
        { requiredKeys: [] },
      ),
    )
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        const { status } = await tenant.request('POST', '/v1/standing-orders', given)
        expect(status === 201 || (status >= 400 && status < 500)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('what another tenant placed is not there', async () => {
    const { stage, placed } = await setUp()
    const order = await placed()
    const stranger = await stage.tenant()
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/events'],
      ['POST', '/cancel'],
    ] as const) {
      const response = await stranger.request(method, `/v1/standing-orders/${order.id}${path}`)
      expect(await problemOf(response)).toMatchObject({ status: 404, code: 'not_found' })
    }
    expect(await read(await stranger.request('GET', '/v1/standing-orders'))).toEqual({ orders: [] })
  })

  test('more than a hundred at once', async () => {
    const { place } = await setUp()
    for (let count = 0; count < 100; count++) expect((await place()).status).toBe(201)
    expect(await problemOf(await place())).toMatchObject({ status: 409, code: 'conflict', facts: { most: 100 } })
  })
})
