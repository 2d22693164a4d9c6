import { MusterError, newId, type Address, type JobId, type ProviderRecordView } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse, type Rehearsal, type Tenant } from '../rehearsal/rehearse.ts'
import type { Store } from '../store/store.ts'

const recordOf = async (stage: Rehearsal, provider: Address): Promise<ProviderRecordView> => {
  const response = await stage.app().request(`/v1/providers/${provider}/record`)
  expect(response.status).toBe(200)
  return (await response.json()) as ProviderRecordView
}

const seenOf = async (stage: Rehearsal, provider: Address, name: string) => {
  const figure = (await recordOf(stage, provider)).figures.find((each) => each.name === name)
  return figure?.seen ?? {}
}

const run = async (
  stage: Rehearsal,
  tenant: Tenant,
  tasks: number,
  change: Record<string, unknown> = {},
): Promise<JobId> => {
  const { id } = await tenant.submit(noopSpec(tasks, change))
  await stage.closed(tenant, id)
  await stage.world.advance(2_000)
  return id
}

describe('what a provider does is on its record:', () => {
  test('a lease that went well, once', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 40 })
    await run(stage, await stage.tenant(), 20)
    const { observations, figures, newest } = await recordOf(stage, agent.address)
    expect(observations).toBe(1)
    expect(newest).toMatchObject([{ program: 'noop', honoured: 1, succeeded: 20, failed: 0, outages: 0 }])
    expect(newest[0]?.durationMs).toBeGreaterThan(35)
    expect(newest[0]?.durationMs).toBeLessThan(45)
    const seen = Object.fromEntries(figures.map(({ name, seen: each }) => [name, each]))
    expect(seen).toMatchObject({ refusal: { refused: 0 }, hazard: { outages: 0 }, mismatch: { matched: 0 } })
    expect(seen['success']?.['succeeded']).toBeCloseTo(20, 3)
  })

  test('that it disappeared', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 500 })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(4))
    await stage.world.advance(100)
    agent.cut()
    await stage.world.advance(20_000)
    await stage.agent({ key: 2, slots: 2, nanoUsd: 100n })
    await stage.closed(tenant, id)
    await stage.world.advance(2_000)
    expect((await seenOf(stage, agent.address, 'hazard'))['outages']).toBeCloseTo(1, 3)
    expect((await seenOf(stage, agent.address, 'success'))['failed']).toBe(0)
  })

  test('orders it did not take, within a minute', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({
      key: 1,
      slots: 2,
      nanoUsd: 100n,
      script: {
        reserve: () => {
          throw new MusterError({ code: 'capacity_taken', message: 'Taken.' })
        },
      },
    })
    await stage.agent({ key: 2, slots: 2, nanoUsd: 200n })
    await run(stage, await stage.tenant(), 2)
    await stage.world.advance(62_000)
    expect((await seenOf(stage, agent.address, 'refusal'))['refused']).toBeCloseTo(1, 3)
  })

  test('its speed against that of two others or more', async () => {
    const stage = await rehearse()
    const agents = []
    for (const [key, taskMs] of [20, 20, 80].entries()) {
      agents.push(await stage.agent({ key: key + 1, slots: 1, nanoUsd: 100n, taskMs }))
    }
    const tenant = await stage.tenant(1_000_000n)
    for (const { address } of [...agents, ...agents])
      await run(stage, tenant, 10, { placement: { providers: [address] }, slots: 1 })
    const [, , slow] = agents
    if (slow === undefined) throw new Error('an agent')
    const { newest } = await recordOf(stage, slow.address)
    expect(newest).toHaveLength(2)
    for (const { durationFactor } of newest) expect(durationFactor).toBeCloseTo(4, 0)
  })
})

describe('what was seen is not lost', () => {
  test('when the market ends before it was written', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(4))
    await stage.closed(tenant, id)
    await stage.restart()
    await stage.world.advance(2_000)
    expect((await recordOf(stage, agent.address)).newest).toMatchObject([{ succeeded: 4 }])
    await stage.restart()
    await stage.world.advance(2_000)
    expect((await recordOf(stage, agent.address)).observations).toBe(1)
  })

  test('of a job that another process began', async () => {
    const stage = await rehearse()
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 300 })
    const tenant = await stage.tenant()
    const { id } = await tenant.submit(noopSpec(8))
    await stage.world.advance(700)
    await stage.restart()
    agent.link(stage.market())
    await stage.closed(tenant, id)
    await stage.world.advance(2_000)
    const { newest } = await recordOf(stage, agent.address)
    expect(newest.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(8)
  })

  test('while the store does not take it', async () => {
    let isBroken = true
    const wrapStore = (store: Store): Store => ({
      ...store,
      observations: {
        ...store.observations,
        add: async (seen) => {
          if (isBroken) throw new MusterError({ code: 'unavailable', message: 'Away.' })
          return store.observations.add(seen)
        },
      },
    })
    const stage = await rehearse({ wrapStore })
    const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const tenant = await stage.tenant()
    await run(stage, tenant, 2)
    await run(stage, tenant, 2)
    expect((await recordOf(stage, agent.address)).observations).toBe(0)
    isBroken = false
    await stage.world.advance(2_000)
    expect((await recordOf(stage, agent.address)).observations).toBe(2)
  })
})

describe('award: effective', () => {
  /** A cheap machine that disappears again and again, and one that asks a little more and does not. */
  const withHistory = async (wrapStore?: (store: Store) => Store) => {
    const stage = await rehearse(wrapStore === undefined ? {} : { wrapStore })
    const flaky = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
    const sound = await stage.agent({ key: 2, slots: 2, nanoUsd: 110n })
    const { records } = stage.market().modules
    const seen = {
      at: stage.world.now(),
      program: 'noop',
      honoured: 1,
      refused: 0,
      matched: 0,
      mismatched: 0,
      durationMs: null,
      startMs: null,
    }
    for (let lease = 0; lease < 30; lease++) {
      const good = { ...seen, exposureMs: 3_600_000, outages: 0, succeeded: 50, failed: 0 }
      records.add({ ...good, id: newId(stage.world, 'lease'), provider: sound.address })
      const bad = { ...good, outages: 1, succeeded: 25, failed: 25 }
      records.add({ ...bad, id: newId(stage.world, 'lease'), provider: flaky.address })
    }
    await records.flush()
    return { stage, flaky, sound, tenant: await stage.tenant() }
  }

  test('goes to whoever finishes the unit for less, and `lowest` to whoever asks less', async () => {
    const { stage, flaky, sound, tenant } = await withHistory()
    await run(stage, tenant, 2, { award: 'effective' })
    expect([sound.starts.length, flaky.starts.length]).toEqual([2, 0])
    await run(stage, tenant, 2)
    expect([sound.starts.length, flaky.starts.length]).toEqual([2, 2])
  })

  test('goes by price among machines of which nothing is known', async () => {
    const stage = await rehearse()
    const dear = await stage.agent({ key: 1, slots: 2, nanoUsd: 500n })
    const cheap = await stage.agent({ key: 2, slots: 2, nanoUsd: 400n })
    await run(stage, await stage.tenant(), 2, { award: 'effective' })
    expect([cheap.starts.length, dear.starts.length]).toEqual([2, 0])
  })

  test('goes on where records cannot be read: then nothing is known', async () => {
    const refuse = async () => {
      throw new MusterError({ code: 'unavailable', message: 'Away.' })
    }
    const { stage, flaky, tenant } = await withHistory((store) => ({
      ...store,
      observations: { ...store.observations, newestOf: refuse },
    }))
    await run(stage, tenant, 2, { award: 'effective' })
    expect(flaky.starts).toHaveLength(2)
  })
})

test('the list of providers comes a page at a time, with what to expect of each', async () => {
  const stage = await rehearse()
  for (const key of [1, 2, 3]) await stage.agent({ key, slots: 1, nanoUsd: 100n })
  const list = async (query: string) =>
    ((await (await stage.app().request(`/v1/providers?${query}`)).json()) as { providers: { provider: string }[] })
      .providers
  const all = await list('')
  expect(all).toHaveLength(3)
  expect(all[0]).toMatchObject({ linked: true, observations: 0, refusal: 0.1 })
  const [first, second] = all
  expect(await list(`limit=1&after=${first?.provider}`)).toEqual([second])
})

test('a provider that was never linked has no record', async () => {
  const stage = await rehearse()
  const response = await stage.app().request(`/v1/providers/0x${'9'.repeat(40)}/record`)
  expect(await problemOf(response)).toMatchObject({ status: 404, code: 'not_found' })
})
