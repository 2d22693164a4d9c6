import {
  bondAccount,
  createLog,
  earningsAccount,
  MusterError,
  newId,
  stakeAccount,
  tenantAccount,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, rehearse } from '../rehearsal/rehearse.ts'

const types = async (tenant: Awaited<ReturnType<typeof setUp>>['tenant'], id: string): Promise<string[]> =>
  (await tenant.events(id as never)).map(({ type }) => type)

const setUp = async (market = {}) => {
  const stage = await rehearse({ market })
  const first = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n, taskMs: 100 })
  const tenant = await stage.tenant(100_000n)
  return { stage, first, tenant }
}

describe('an agent out of reach', () => {
  test('that comes back within the grace period has lost nothing', async () => {
    const { stage, first, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(6))
    await stage.world.advance(50)
    first.cut()
    await stage.world.advance(5_000)
    first.link(stage.market())
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '600' })
    const seen = await types(tenant, id)
    expect(seen).toContain('lease-suspected')
    expect(seen).toContain('lease-recovered')
    expect(seen).not.toContain('lost')
    expect(first.starts).toHaveLength(6)
    await stage.audit(id)
  })

  test('is not told of a lease that was closed while it was asked what it holds', async () => {
    const { stage, first, tenant } = await setUp()
    first.taskMs = 60_000
    const { id } = await tenant.submit(noopSpec(2))
    await stage.world.advance(50)
    first.cut()
    first.wipe()
    const late = Promise.withResolvers<undefined>()
    first.script.holdings = async (honest) => {
      await late.promise
      return honest()
    }
    first.link(stage.market())
    await stage.world.advance(50)
    await tenant.cancel(id)
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'cancelled' })
    const before = first.calls.length
    late.resolve(undefined)
    await stage.world.advance(1_000)
    expect(first.calls.slice(before)).not.toContain('open-lease')
    expect(first.leases.size).toBe(0)
  })

  test('past the grace period is replaced, its attempts fenced, its bond returned, and it is paid for what was accepted', async () => {
    const { stage, first, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(6))
    await stage.world.advance(150)
    const [start] = first.starts
    first.cut()
    const second = await stage.agent({ key: 2, slots: 2, nanoUsd: 200n, taskMs: 10 })
    expect(second.starts).toHaveLength(0)
    await stage.world.advance(9_000)
    expect(second.starts).toHaveLength(0)
    const job = await stage.closed(tenant, id)
    expect(job).toMatchObject({ outcome: 'succeeded', counts: { final: 6 } })
    expect(await stage.balance(earningsAccount(first.address))).toBe(200n)
    expect(await stage.balance(earningsAccount(second.address))).toBe(800n)
    expect(await stage.balance(stakeAccount(first.address))).toBe(1_000_000_000n)
    expect(await stage.balance(bondAccount(start?.lease as never))).toBe(0n)
    first.link(stage.market())
    await stage.world.advance(1_000)
    expect(await stage.balance(earningsAccount(first.address))).toBe(200n)
    expect(first.leases.size).toBe(0)
    expect(first.attempts.size).toBe(0)
    await stage.audit(id)
  })

  test('whose link flaps keeps its work', async () => {
    const { stage, first, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(10))
    for (let round = 0; round < 12; round++) {
      first.cut()
      await stage.world.advance(40)
      first.link(stage.market())
      await stage.world.advance(30)
    }
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '1000' })
    expect(await types(tenant, id)).not.toContain('lost')
    await stage.audit(id)
  })

  test('that links again before its old link was missed has its lease taken over', async () => {
    const { stage, first, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(4))
    await stage.world.advance(50)
    first.link(stage.market())
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '400' })
    expect(first.starts).toHaveLength(4)
  })

  test('that was wiped meanwhile does the work anew', async () => {
    const { stage, first, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(4))
    await stage.world.advance(50)
    first.cut()
    first.wipe()
    first.link(stage.market())
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '400' })
    await stage.audit(id)
  })
})

describe('an agent that sold slots', () => {
  test('and does nothing loses the lease, and another finishes', async () => {
    const { stage, first, tenant } = await setUp({ progressSlackMs: 1_000 })
    first.script = { run: () => 'silence' }
    const second = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    const { id } = await tenant.submit(noopSpec(4, { limits: { taskTimeoutMs: 5_000 } }))
    const job = await stage.closed(tenant, id)
    expect(job).toMatchObject({ outcome: 'succeeded', charged: '3600' })
    expect(second.settled).toHaveLength(4)
    expect(await stage.balance(earningsAccount(first.address))).toBe(0n)
    await stage.world.advance(1_000)
    expect(first.leases.size).toBe(0)
    await stage.audit(id)
  })

  test('and does nothing, alone on the market, costs the tenant nothing', async () => {
    const { stage, first, tenant } = await setUp({ progressSlackMs: 1_000 })
    first.script = { run: () => 'silence' }
    const { id } = await tenant.submit(noopSpec(1, { slots: 1, limits: { taskTimeoutMs: 1_000 } }))
    const job = await stage.closed(tenant, id, 24 * 3_600_000)
    expect(job).toMatchObject({ outcome: 'failed', charged: '0' })
    expect((await tenant.tasks(id))[0]?.problem).toMatchObject({ code: 'attempts_exhausted', facts: { losses: 10 } })
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(100_000n)
    await stage.audit(id)
  })

  test('and refuses the lease is passed over', async () => {
    const { stage, first, tenant } = await setUp()
    first.script = {
      openLease: () => {
        throw new MusterError({ code: 'record_invalid', message: 'This lease does not please me.' })
      },
    }
    const second = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    const { id } = await tenant.submit(noopSpec(2))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '1800' })
    expect(second.settled).toHaveLength(2)
    expect(first.calls.filter((call) => call === 'open-lease')).toHaveLength(1)
    await stage.audit(id)
  })

  test('and never answers about the lease is suspected, then given up', async () => {
    const { stage, first, tenant } = await setUp()
    first.script = { openLease: () => new Promise(() => {}) }
    const second = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    const { id } = await tenant.submit(noopSpec(2))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '1800' })
    expect(second.settled).toHaveLength(2)
    expect(await types(tenant, id)).toContain('lease-suspected')
    await stage.audit(id)
  })

  test('and whose answer about the lease is lost runs what came along once, and is paid for it', async () => {
    const { stage, first, tenant } = await setUp()
    let asked = 0
    first.script = {
      openLease: (honest) => {
        honest()
        return asked++ === 0 ? new Promise(() => {}) : undefined
      },
    }
    const { id } = await tenant.submit(noopSpec(2))
    await stage.world.advance(1)
    expect(first.starts).toHaveLength(2)
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '200' })
    expect(first.starts).toHaveLength(2)
    expect(first.settled).toHaveLength(2)
    await stage.audit(id)
  })

  test('and has too much under way to hear of a lease is told again, without its attempts, and keeps its good name', async () => {
    const { stage, first, tenant } = await setUp()
    const second = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    let asked = 0
    first.script = {
      openLease: (honest) => {
        if (asked++ === 0)
          throw new MusterError({ code: 'rate_limited', message: 'Too much of other calls is waiting.' })
        return honest()
      },
    }
    const { id } = await tenant.submit(noopSpec(2))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '200' })
    expect([asked, first.settled.length, second.starts.length]).toEqual([2, 2, 0])
    expect(await types(tenant, id)).not.toContain('lease-suspected')
    await stage.audit(id)
  })

  test('and takes them back with notice finishes what runs and gets no more', async () => {
    const { stage, first, tenant } = await setUp()
    const second = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    const { id } = await tenant.submit(noopSpec(10))
    await stage.world.advance(50)
    const held = first.starts.length
    first.send({ type: 'notice', leases: [...first.leases.keys()], by: stage.world.now() + 1_000 })
    first.publish({ slots: 0 })
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
    expect(first.settled).toHaveLength(held)
    expect(second.settled).toHaveLength(10 - held)
    expect(await types(tenant, id)).not.toContain('lost')
  })

  test('cannot give notice for another', async () => {
    const { stage, first, tenant } = await setUp()
    const rival = await stage.agent({ key: 2, slots: 2, nanoUsd: 900n })
    const { id } = await tenant.submit(noopSpec(4))
    await stage.world.advance(50)
    rival.send({ type: 'notice', leases: [...first.leases.keys()], by: stage.world.now() + 1_000 })
    await stage.closed(tenant, id)
    expect(await types(tenant, id)).not.toContain('lease-noticed')
  })
})

describe('a lease', () => {
  test('that runs out is followed by another, and a job longer than a lease is finished', async () => {
    const { stage, first, tenant } = await setUp({ leaseTermMs: 1_000, progressSlackMs: 1_000 })
    first.taskMs = 300
    const { id } = await tenant.submit(noopSpec(12, { slots: 2, limits: { taskTimeoutMs: 400 } }))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '1200' })
    expect(new Set(first.starts.map(({ lease }) => lease)).size).toBeGreaterThan(1)
    await stage.audit(id)
  })

  test('that runs out under an attempt that never ends is closed all the same', async () => {
    const { stage, first, tenant } = await setUp({ leaseTermMs: 2_000, progressSlackMs: 1_000 })
    first.script = { run: () => 'silence' }
    const { id } = await tenant.submit(noopSpec(1, { slots: 1, limits: { taskTimeoutMs: 1_000 } }))
    await stage.world.advance(500)
    first.publish({ slots: 0 })
    await stage.world.advance(3_000)
    expect((await tenant.job(id)).counts).toMatchObject({ waiting: 1, running: 0 })
    await tenant.cancel(id)
    await stage.audit(id)
  })

  test('lasts long enough for its tasks, however short the usual term', async () => {
    const { stage, first, tenant } = await setUp({ leaseTermMs: 1_000 })
    first.taskMs = 5_000
    const { id } = await tenant.submit(noopSpec(1, { limits: { taskTimeoutMs: 10_000 } }))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
    expect(new Set(first.starts.map(({ attempt }) => attempt)).size).toBe(1)
  })

  test('that is closed is told to its agent until it hears', async () => {
    const { stage, first, tenant } = await setUp()
    let deaf = 3
    first.script = { closeLease: (honest) => (deaf-- > 0 ? new Promise(() => {}) : honest()) }
    const { id } = await tenant.submit(noopSpec(2))
    await stage.closed(tenant, id)
    expect(first.leases.size).toBe(1)
    await stage.world.advance(60_000)
    expect(first.leases.size).toBe(0)
  })

  test('the market does not know of is closed when its agent links, however often that must be asked', async () => {
    const { stage, first, tenant } = await setUp()
    const { id } = await tenant.submit(noopSpec(2))
    await stage.world.advance(20)
    first.cut()
    await tenant.cancel(id)
    let deaf = 2
    first.script = { holdings: (honest) => (deaf-- > 0 ? new Promise(() => {}) : honest()) }
    first.link(stage.market())
    await stage.world.advance(60_000)
    expect(first.leases.size).toBe(0)
  })
})

test('a market that stops leaves no timer behind and decides nothing more', async () => {
  const { stage, first, tenant } = await setUp()
  first.script = { run: () => 'silence' }
  const { id } = await tenant.submit(noopSpec(4))
  await stage.world.advance(12_000)
  first.cut()
  expect(stage.world.pending()).toBeGreaterThan(0)
  await stage.world.settle()
  const version = (await stage.store().readStream(id))?.version
  await stage.market().stop()
  await stage.world.settle()
  expect(stage.world.pending()).toBe(0)
  await stage.world.advance(600_000)
  expect((await stage.store().readStream(id))?.version).toBe(version)
  const refused = await tenant.request('POST', `/v1/jobs/${id}/cancel`)
  expect(refused.status).toBe(503)
})

test('an agent that invents leases is told of few at a time, and fills no log', async () => {
  const lines: string[] = []
  const stage = await rehearse({ log: createLog((line) => lines.push(line), { now: () => 0 } as never) })
  const liar = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  let [inFlight, most] = [0, 0]
  liar.script = {
    holdings: () => ({
      leases: Array.from({ length: 20_000 }, () => newId(stage.world, 'lease')),
      attempts: [],
    }),
    closeLease: async () => {
      most = Math.max(most, ++inFlight)
      await new Promise<void>((resolve) => void stage.world.after(10, resolve))
      inFlight--
      throw new MusterError({ code: 'internal', message: 'No.' })
    },
  }
  const before = lines.length
  liar.link(stage.market())
  await stage.world.advance(500)
  expect(most).toBe(16)
  expect(lines.slice(before).filter((line) => line.includes('not told'))).toHaveLength(1)
  expect(stage.world.pending()).toBeLessThan(5_000)
  liar.cut()
})

test('of the leases an agent invents only as many are looked after as a machine could hold', async () => {
  const stage = await rehearse()
  const liar = await stage.agent({ key: 1, slots: 2, nanoUsd: 100n })
  liar.script = {
    holdings: () => ({ leases: Array.from({ length: 6_000 }, () => newId(stage.world, 'lease')), attempts: [] }),
  }
  liar.link(stage.market())
  const told = () => liar.calls.filter((call) => call === 'close-lease').length
  for (let turn = 0; turn < 2_000 && told() < 6_000; turn++) await stage.world.settle()
  expect(told()).toBe(4_096)
})
