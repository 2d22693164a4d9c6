import {
  earningsAccount,
  MusterError,
  newId,
  signBatch,
  signRecord,
  tenantAccount,
  type Reservation,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse, type Rehearsal } from '../rehearsal/rehearse.ts'
import type { ScriptedAgent } from '../rehearsal/script.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'

const balanceAtFirst = 100_000n

/** A cheap agent that misbehaves and a dear one that does not. */
const setUp = async (options: Parameters<typeof rehearse>[0] = {}) => {
  const stage = await rehearse(options)
  const bad = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  const good = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
  return { stage, bad, good, tenant: await stage.tenant(balanceAtFirst) }
}

const requireDoneBy = async (
  { stage, bad, good, tenant }: Awaited<ReturnType<typeof setUp>>,
  id: string,
): Promise<void> => {
  expect(await stage.closed(tenant, id as never)).toMatchObject({ outcome: 'succeeded', charged: '1800' })
  expect(good.settled).toHaveLength(2)
  expect(await stage.balance(earningsAccount(bad.address))).toBe(0n)
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(balanceAtFirst - 1_800n)
  await stage.audit(id as never)
}

describe('an agent that answers an order with garbage is passed over:', () => {
  const altered =
    (bad: ScriptedAgent, stage: Rehearsal, change: Partial<Reservation>, by = bad.signer) =>
    (honest: () => { readonly record: Reservation }) =>
      signRecord(by, stage.market().domain, { ...honest().record, ...change })

  const now = createVirtualWorld().now()
  const cases: readonly (readonly [string, Partial<Reservation>])[] = [
    ['fewer slots', { slots: 1 }],
    ['a dearer price', { price: { nanoUsd: 999n, per: 'task' } }],
    ['another order', { order: `0x${'1'.repeat(64)}` as never }],
    ['a reservation that has run out', { expiresAt: 1 }],
    ['a reservation of long before the order', { issuedAt: 1 }],
    ['a reservation of tomorrow', { issuedAt: 8_000_000_000_000, expiresAt: 8_000_000_000_001 }],
    ['a reservation that ran out before it was given', { issuedAt: now + 50_000, expiresAt: now + 40_000 }],
    ['smaller slots', { resources: { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 0 } }],
    ['a GPU that no slot has', { gpus: ['GPU-1'] }],
    ['another offer', { offer: 'ofr_01K5KRN0M0ABCDEFGHJKMNPQRV' as never }],
    ['another provider’s name', { provider: `0x${'2'.repeat(40)}` as never }],
    ['another market’s name', { market: `0x${'3'.repeat(40)}` as never }],
  ]
  test.each(cases)('%s', async (_, change) => {
    const set = await setUp()
    set.bad.script = { reserve: altered(set.bad, set.stage, change) }
    const { id } = await set.tenant.submit(noopSpec(2))
    await requireDoneBy(set, id)
    expect(set.bad.calls).not.toContain('open-lease')
  })

  test('the signature of another key', async () => {
    const set = await setUp()
    set.bad.script = { reserve: altered(set.bad, set.stage, {}, set.good.signer) }
    const { id } = await set.tenant.submit(noopSpec(2))
    await requireDoneBy(set, id)
  })

  test('no reservation at all', async () => {
    const set = await setUp()
    set.bad.script = { reserve: () => ({ hello: 'world' }) as never }
    const { id } = await set.tenant.submit(noopSpec(2))
    await requireDoneBy(set, id)
  })

  test('silence', async () => {
    const set = await setUp()
    set.bad.script = { reserve: () => new Promise(() => {}) }
    const { id } = await set.tenant.submit(noopSpec(2))
    await requireDoneBy(set, id)
    await set.stage.world.advance(20_000)
    expect(set.bad.reservations.size).toBe(0)
  })

  test('its link breaks', async () => {
    const set = await setUp()
    set.bad.script = {
      reserve: (honest) => {
        set.bad.cut()
        return honest()
      },
    }
    const { id } = await set.tenant.submit(noopSpec(2))
    await requireDoneBy(set, id)
  })

  test('that its slots are taken, so that it is asked again soon', async () => {
    const set = await setUp()
    let taken = 1
    set.bad.script = {
      reserve: (honest) => {
        if (taken-- > 0) throw new MusterError({ code: 'capacity_taken', message: 'Taken.' })
        return honest()
      },
    }
    const { id } = await set.tenant.submit(noopSpec(2))
    await requireDoneBy(set, id)
    await set.stage.world.advance(6_000)
    const { id: next } = await set.tenant.submit(noopSpec(2))
    expect(await set.stage.closed(set.tenant, next)).toMatchObject({ charged: '200' })
  })
})

test('a provider that does not serve a tenant is asked once for each of its jobs, and stands for others meanwhile', async () => {
  const set = await setUp()
  const denied = set.tenant.id
  set.bad.script = {
    reserve: (honest, { order }) => {
      if (order.record.tenant !== denied) return honest()
      throw new MusterError({ code: 'forbidden', message: 'Not served.' })
    },
  }
  const { id } = await set.tenant.submit(noopSpec(2))
  await requireDoneBy(set, id)
  set.bad.publish()
  expect(set.bad.calls.filter((call) => call === 'reserve')).toHaveLength(1)
  const other = await set.stage.tenant()
  const { id: next } = await other.submit(noopSpec(2))
  expect(await set.stage.closed(other, next)).toMatchObject({ outcome: 'succeeded', charged: '200' })
})

test('a job whose only provider does not serve its tenant waits, asks once a minute, and runs once it does', async () => {
  const stage = await rehearse()
  const only = await stage.agent({
    key: 1,
    slots: 2,
    nanoUsd: 100n,
    script: {
      reserve: () => {
        throw new MusterError({ code: 'forbidden', message: 'Not served.' })
      },
    },
  })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(2))
  for (let second = 0; second < 90; second++) {
    await stage.world.advance(1_000)
    only.publish()
  }
  expect(only.calls.filter((call) => call === 'reserve')).toHaveLength(2)
  expect((await tenant.job(id)).unmatched).toMatchObject({
    facts: { nearest: [{ failed: [{ requirement: 'tenant' }] }] },
  })
  only.script = {}
  await stage.world.advance(60_000)
  only.publish()
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
})

test('an agent that never keeps its word is asked less and less, and a job alone with it waits', async () => {
  const stage = await rehearse()
  const bad = await stage.agent({
    key: 1,
    slots: 2,
    nanoUsd: 100n,
    script: {
      reserve: () => {
        throw new MusterError({ code: 'internal', message: 'Broken.' })
      },
    },
  })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(2))
  for (let minute = 0; minute < 60; minute++) {
    await stage.world.advance(60_000)
    bad.publish()
  }
  expect(bad.calls.length).toBeLessThan(15)
  bad.script = {}
  expect(await stage.closed(tenant, id, 3_600_000)).toMatchObject({ outcome: 'succeeded' })
})

test('a provider without stake for the bond is passed over', async () => {
  const stage = await rehearse({ stake: 0n })
  const poor = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  const rich = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
  await stage.admin('POST', '/v1/admin/deposits', {
    to: { account: 'stake', provider: rich.address },
    amount: 1_000_000_000n,
  })
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(2))
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '1800' })
  await stage.world.advance(15_000)
  expect(poor.reservations.size).toBe(0)
  expect(poor.calls.filter((call) => call === 'reserve').length).toBeLessThan(4)
  await stage.audit(id)
})

describe('a stranger with 64 huge offers at no price that answers each question late and with a refusal', () => {
  const setUpStranger = async (strangerStake: bigint) => {
    const stage = await rehearse({ stake: 0n })
    const stranger = await stage.agent({ key: 1, slots: 100_000, nanoUsd: 0n })
    const good = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    for (const [provider, amount] of [
      [stranger.address, strangerStake],
      [good.address, 1_000_000_000n],
    ] as const)
      if (amount > 0n) await stage.admin('POST', '/v1/admin/deposits', { to: { account: 'stake', provider }, amount })
    const { supply } = stage.market().modules
    const flood = () => {
      const [standing] = [...supply.all()].filter(({ record }) => record.provider === stranger.address)
      if (standing === undefined) throw new Error('no offer')
      const offers = Array.from({ length: 64 }, () => ({ ...standing.record, id: newId(stage.world, 'offer') }))
      stranger.send({ type: 'offers', offers: signBatch(stranger.signer, stage.market().domain, offers), counted: [] })
    }
    stranger.script = {
      reserve: async () => {
        await new Promise<void>((resolve) => void stage.world.after(2_700, resolve))
        throw new MusterError({ code: 'capacity_taken', message: 'Taken.' })
      },
    }
    flood()
    return { stage, stranger, good, flood, tenant: await stage.tenant() }
  }
  const asked = ({ calls }: ScriptedAgent): number => calls.filter((call) => call === 'reserve').length

  test('and has no stake is not asked at all', async () => {
    const { stage, stranger, flood, tenant } = await setUpStranger(0n)
    for (let round = 0; round < 5; round++) {
      const { id } = await tenant.submit(noopSpec(2))
      expect(await stage.closed(tenant, id, 1_000)).toMatchObject({ outcome: 'succeeded', charged: '1800' })
      flood()
    }
    expect(asked(stranger)).toBe(0)
    await stage.audit()
  })

  test('and has stake for one slot keeps no job waiting, is asked one question at a time, and rests', async () => {
    const { stage, stranger, flood, tenant } = await setUpStranger(10_000_000n)
    const { id } = await tenant.submit(noopSpec(2))
    expect(await stage.closed(tenant, id, 2_000)).toMatchObject({ outcome: 'succeeded' })
    expect(asked(stranger)).toBe(1)
    for (let round = 0; round < 20; round++) {
      const { id: next } = await tenant.submit(noopSpec(2))
      expect(await stage.closed(tenant, next, 2_000)).toMatchObject({ outcome: 'succeeded' })
      await stage.world.advance(1_000)
      flood()
    }
    expect(asked(stranger)).toBeLessThan(10)
    await stage.audit()
  })
})

test('what an agent reserves after others were asked in its place is released', async () => {
  const stage = await rehearse()
  const slow = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
  slow.script = {
    reserve: async (honest) => {
      await new Promise<void>((resolve) => void stage.world.after(1_000, resolve))
      return honest()
    },
  }
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(2))
  expect(await stage.closed(tenant, id, 900)).toMatchObject({ outcome: 'succeeded', charged: '1800' })
  await stage.world.advance(1_000)
  expect(slow.calls).toContain('release')
  expect(slow.reservations.size).toBe(0)
  await stage.audit(id)
})

test('an offer that has run out is not taken, and says so when it is published', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, offer: { expiresAt: 1 } })
  const tenant = await stage.tenant()
  expect(await (await stage.app().request('/v1/offers')).json()).toEqual({ offers: [] })
  expect(await problemOf(await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) }))).toMatchObject({
    status: 409,
    code: 'nothing_fits',
    retry: 'later',
  })
  agent.publish({ expiresAt: stage.world.now() + 5_000 })
  const { id } = await tenant.submit(noopSpec(1))
  await stage.closed(tenant, id)
  await stage.world.advance(6_000)
  const late = await problemOf(await tenant.request('POST', '/v1/jobs', { spec: noopSpec(1) }))
  expect(late).toMatchObject({ code: 'nothing_fits' })
  expect(late.message).toContain('expiry')
  await stage.audit()
})

test('offers in another’s name, for another market or badly signed are refused as a whole', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  const rival = await stage.agent({ key: 2, slots: 2, nanoUsd: 200n })
  const count = async () =>
    ((await (await stage.app().request('/v1/offers')).json()) as { offers: unknown[] }).offers.length
  const [offer] = stage.market().modules.supply.all()
  if (offer === undefined) throw new Error('no offer')
  expect(await count()).toBe(2)
  rival.send({ type: 'offers', offers: [offer], counted: [] })
  agent.publish({ market: `0x${'3'.repeat(40)}` as never })
  agent.send({ type: 'offers', offers: [{ ...offer, record: { ...offer.record, slots: 50 } }], counted: [] })
  expect(await count()).toBe(2)
  expect([...stage.market().modules.supply.all()].map(({ record }) => record.slots)).toEqual([2, 2])
})

test('an agent that publishes without end is heard twenty times a second, and its newest offer counts', async () => {
  const stage = await rehearse()
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  const { supply } = stage.market().modules
  const before = supply.version()
  for (let slots = 1; slots <= 1_000; slots++) agent.publish({ slots })
  await stage.world.advance(1_000)
  expect(supply.version() - before).toBeLessThan(80)
  expect([...supply.all()].map(({ record }) => record.slots)).toEqual([1_000])
})

test('a job is not stranded when slots come free while its auction finds none', async () => {
  const stage = await rehearse()
  const answer = Promise.withResolvers<void>()
  const slow = await stage.agent({ key: 1, slots: 1, nanoUsd: 100n })
  slow.script = {
    reserve: async () => {
      await answer.promise
      throw new MusterError({ code: 'internal', message: 'Broken.' })
    },
  }
  const tenant = await stage.tenant()
  const { id } = await tenant.submit(noopSpec(1, { slots: 1 }))
  await stage.world.settle()
  await stage.agent({ key: 2, slots: 1, nanoUsd: 500n })
  answer.resolve()
  await stage.world.advance(100)
  expect(await tenant.job(id)).toMatchObject({ outcome: 'succeeded', charged: '500' })
})

describe('when nothing fits, the market names the nearest offers and what each one fails', () => {
  test('for an order, and charges nothing', async () => {
    const { stage, tenant } = await setUp()
    const spec = noopSpec(2, { placement: { regions: ['us-east'] }, maxPrice: { nanoUsd: '500', per: 'task' } })
    const problem = await problemOf(await tenant.request('POST', '/v1/jobs', { spec }))
    expect(problem).toMatchObject({ status: 409, code: 'nothing_fits', facts: { offers: 2 } })
    expect(problem.facts['nearest']).toMatchObject([
      { failed: [{ requirement: 'placement.regions', expected: 'us-east', found: 'eu-west' }] },
      { failed: [{ requirement: 'placement.regions' }, { requirement: 'price', found: '900' }] },
    ])
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(balanceAtFirst)
    await stage.audit()
  })

  test('for a question without an order', async () => {
    const { stage, good } = await setUp()
    const ask = async (resources: Record<string, unknown>) =>
      (
        await stage.app().request('/v1/offers/match', {
          method: 'POST',
          body: JSON.stringify({
            slots: 1,
            runtime: 'noop',
            placement: {},
            maxPrice: { nanoUsd: '1000', per: 'task' },
            resources: { cpuMilli: 1000, memoryBytes: 1, diskBytes: 0, ...resources },
          }),
        })
      ).json()
    expect(await ask({})).toMatchObject({ slots: 4, problem: null })
    expect(await ask({ gpuCount: 1 })).toMatchObject({
      slots: 0,
      offers: [],
      problem: { code: 'nothing_fits', facts: { nearest: [{ failed: [{ requirement: 'resources.gpuCount' }] }, {}] } },
    })
    good.cut()
    expect(await ask({})).toMatchObject({ slots: 2 })
  })
})
