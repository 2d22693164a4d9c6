import { MusterError, newId, signBatch, tenantAccount, toHex } from '@muster/protocol'
import { expect, test } from 'vitest'
import { problemOf, type Rehearsal } from '../rehearsal/rehearse.ts'
import type { Script } from '../rehearsal/script.ts'
import { auctionsOf, failedChecks, onlyTranscript, sealedSpec, setUp } from './stage-sealed.ts'

test('an agent that bids everywhere and delivers nowhere rests, and the work is done by others', async () => {
  const hollow: Script = {
    openLease: () => {
      throw new MusterError({ code: 'capacity_taken', message: 'No.' })
    },
  }
  const { stage, agents, tenant } = await setUp([1n, 300n], [hollow])
  for (let job = 0; job < 4; job++) {
    const { id } = await tenant.submit(sealedSpec(1))
    expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded' })
  }
  const [address] = agents.map((agent) => agent.address)
  if (address === undefined) throw new Error('an agent')
  await stage.market().modules.records.flush()
  expect((await stage.market().modules.records.read(address)).record.refusal.refused).toBeGreaterThan(0)
  expect(agents[0]?.leases.size).toBe(0)
  await stage.audit()
})

test('a provider that offers the same machine sixty times is asked once, and bids once', async () => {
  const { stage, agents, tenant } = await setUp([100n, 200n])
  const [many] = agents
  const [offer] = [...stage.market().modules.supply.all()].filter(({ record }) => record.provider === many?.address)
  if (many === undefined || offer === undefined) throw new Error('an offer')
  const offers = Array.from({ length: 60 }, (_, index) => ({
    ...offer.record,
    id: newId(stage.world, 'offer'),
    price: { nanoUsd: BigInt(40 + index), per: 'task' as const },
  }))
  many.send({ type: 'offers', offers: signBatch(many.signer, stage.market().domain, offers), counted: [] })
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.closed(tenant, id)
  expect(agents.map(({ calls }) => calls.filter((call) => call === 'solicit').length)).toEqual([1, 1])
  expect((await onlyTranscript(stage, tenant, id)).record.bids).toHaveLength(2)
})

test('a market that is killed in the window auctions anew, and nothing leaks', async () => {
  const { stage, agents, tenant } = await setUp([100n, 300n])
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.world.advance(100)
  await stage.restart()
  for (const agent of agents) agent.link(stage.market())
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '300' })
  await stage.world.advance(30_000)
  for (const { reservations, leases } of agents) expect([reservations.size, leases.size]).toEqual([0, 0])
  expect(await auctionsOf(tenant, id)).toHaveLength(1)
  await stage.audit(id)
})

test('a job that is cancelled in the window gets nothing, and nobody keeps slots for it', async () => {
  const { stage, agents, tenant } = await setUp([100n, 300n])
  const before = await stage.balance(tenantAccount(tenant.id))
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.world.advance(100)
  await tenant.cancel(id)
  await stage.world.advance(500)
  expect(await tenant.job(id)).toMatchObject({ outcome: 'cancelled', charged: '0' })
  expect(agents.map(({ reservations }) => reservations.size)).toEqual([0, 0])
  expect(await auctionsOf(tenant, id)).toEqual([])
  expect(await stage.balance(tenantAccount(tenant.id))).toBe(before)
})

test('an auction that nobody wins is held again later and later, and says why the job waits', async () => {
  const dear: Script = {
    solicit: () => {
      throw new MusterError({ code: 'forbidden', message: 'The policy asks more than the order pays.' })
    },
  }
  const { stage, agents, tenant } = await setUp([300n], [dear])
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.world.advance(30_000)
  expect(agents[0]?.calls.filter((call) => call === 'solicit')).toHaveLength(1)
  expect((await tenant.job(id)).unmatched).toMatchObject({ code: 'nothing_fits' })
  const shy = agents[0]
  if (shy === undefined) throw new Error('an agent')
  shy.script = {}
  await stage.world.advance(90_000)
  expect(await tenant.job(id)).toMatchObject({ outcome: 'succeeded' })
})

test('where every bid comes after the window, the tenant is told that it is too short', async () => {
  const world: { after?: Rehearsal['world']['after'] } = {}
  const slow: Script = {
    solicit: async (honest) => {
      await new Promise<void>((resolve) => void world.after?.(300, resolve))
      return honest()
    },
  }
  const { stage, agents, tenant } = await setUp([100n, 200n], [slow, slow])
  world.after = stage.world.after
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.world.advance(5_000)
  expect((await tenant.job(id)).unmatched?.message).toBe(
    'No bid came within the window of 200 ms, and 2 of 2 came after it; a longer window lets them in.',
  )
  expect(agents.map(({ reservations }) => reservations.size)).toEqual([0, 0])
  await tenant.cancel(id)
})

test('a market that passes over the best bid writes it into a transcript that says so', async () => {
  const { stage, agents, tenant } = await setUp([100n, 200n, 300n], [], { bugs: new Set(['unfair-award']) })
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.closed(tenant, id)
  const transcript = await onlyTranscript(stage, tenant, id)
  expect(failedChecks(stage, transcript)).toMatchObject([
    { name: 'the award follows the rule', found: expect.stringContaining(agents[0]?.address ?? 'nobody') },
  ])
})

test('an agent asks for a transcript over its link, and hears where there is none', async () => {
  const { stage, agents, tenant } = await setUp([100n, 200n])
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.closed(tenant, id)
  const [summary] = await auctionsOf(tenant, id)
  if (summary === undefined) throw new Error('no auction')
  agents[1]?.send({ type: 'want-transcript', auction: summary.id })
  await stage.world.settle()
  agents[1]?.send({ type: 'want-transcript', auction: 'auc_01K5KRN0M0ABCDEFGHJKMNPQRS' as never })
  await stage.world.settle()
  const said = agents[1]?.heard.flatMap((message) => (message.type === 'transcript' ? [message.transcript] : []))
  expect(said?.map((transcript) => transcript?.record.auction ?? null)).toEqual([summary.id, null])
  expect(await problemOf(await stage.app().request('/v1/auctions/auc_01K5KRN0M0ABCDEFGHJKMNPQRS'))).toMatchObject({
    code: 'not_found',
  })
})

test('a tenant with many orders has eight sealed auctions at a time, and another does not wait for them', async () => {
  const { stage, tenant } = await setUp([])
  const agent = await stage.agent({ key: 1, slots: 60, nanoUsd: 100n })
  const other = await stage.tenant()
  const spec = sealedSpec(1, { auction: { windowMs: 10_000, pricing: 'pay-as-bid' } })
  const jobs = []
  for (let count = 0; count < 20; count++) jobs.push((await tenant.submit(spec)).id)
  const solicited = (): number => agent.calls.filter((call) => call === 'solicit').length
  await stage.world.advance(1_000)
  expect(solicited()).toBe(8)
  const { id } = await other.submit(spec)
  await stage.world.advance(1_000)
  expect(solicited()).toBe(9)
  expect(await stage.closed(other, id, 30_000)).toMatchObject({ outcome: 'succeeded' })
  for (const job of jobs) expect(await stage.closed(tenant, job, 60_000)).toMatchObject({ outcome: 'succeeded' })
  await stage.audit(id)
})

test('a transcript is kept as long as the market keeps them; later its auction is still listed, and the market says what it kept', async () => {
  const { stage, agents, tenant } = await setUp([100n, 200n], [], { market: { keepTranscriptsMs: 36_000_000 } })
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.closed(tenant, id)
  const { record } = await onlyTranscript(stage, tenant, id)
  await stage.world.advance(30_000_000)
  expect(await onlyTranscript(stage, tenant, id)).toMatchObject({ record: { auction: record.auction } })
  await stage.world.advance(10_000_000)
  expect(await problemOf(await stage.app().request(`/v1/auctions/${record.auction}`))).toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('for 0.4 days, and this auction is older'),
    facts: { keptDays: 0.4 },
  })
  expect(await auctionsOf(tenant, id)).toMatchObject([{ id: record.auction, bids: 2 }])
  agents[1]?.send({ type: 'want-transcript', auction: record.auction })
  await stage.world.settle()
  expect(agents[1]?.heard.at(-1)).toMatchObject({ type: 'transcript', transcript: null })
  await stage.audit(id)
})

test('a bid that is opened as another than was sealed counts as a refusal, as one that is not opened does', async () => {
  const swapped: Script = { reveal: (honest) => ({ ...honest(), salt: toHex(new Uint8Array(32)) }) }
  const { stage, agents, tenant } = await setUp([100n, 300n], [swapped])
  const { id } = await tenant.submit(sealedSpec(1))
  await stage.closed(tenant, id)
  const { record } = await onlyTranscript(stage, tenant, id)
  const [odd, good] = agents
  if (odd === undefined || good === undefined) throw new Error('two agents')
  expect(record.award.refused).toEqual([{ provider: odd.address, reason: 'does-not-open' }])
  const { records } = stage.market().modules
  await records.flush()
  expect((await records.read(odd.address)).record.refusal.refused).toBeGreaterThan(0)
  expect((await records.read(good.address)).record.refusal.refused).toBe(0)
})
