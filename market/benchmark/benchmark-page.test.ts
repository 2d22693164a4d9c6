import { execSpecDigest } from '@muster/graph'
import { providerRecordRoute, type ProviderRecordView } from '@muster/protocol'
import { expect, test } from 'vitest'
import { rehearse, type Rehearsal } from '../rehearsal/rehearse.ts'

const pageOf = async (rehearsal: Rehearsal, provider: string): Promise<ProviderRecordView> => {
  const answer = await rehearsal.app().request(`/v1/providers/${provider}/record`)
  return providerRecordRoute.response.json.parse(await answer.json())
}

const seller = { key: 21, slots: 1, nanoUsd: 5n, offer: { runtimes: ['graph'], execSpec: execSpecDigest } } as const

test('a provider that refuses a challenge is shown to have, also by the market that is restarted', async () => {
  const rehearsal = await rehearse({ market: { benchmarkHours: 24 } })
  const agent = await rehearsal.agent({ ...seller, offer: { ...seller.offer, runtimes: ['graph'] } })
  await rehearsal.world.until(async () => (await pageOf(rehearsal, agent.address)).benchmarks.length > 0)
  const page = await pageOf(rehearsal, agent.address)
  expect(page.machine).toBeNull()
  expect(page.benchmarks).toMatchObject([
    { outcome: 'refused', reason: 'The owner of this machine allows no benchmarks.', figures: null },
  ])
  await rehearsal.restart()
  expect((await pageOf(rehearsal, agent.address)).benchmarks).toEqual(page.benchmarks)
  agent.link(rehearsal.market())
  await rehearsal.world.advance(30_000)
  expect(agent.calls.filter((call) => call === 'benchmark')).toHaveLength(1)
})

test('a market that measures nobody asks nobody', async () => {
  const rehearsal = await rehearse()
  const agent = await rehearsal.agent({ ...seller, offer: { ...seller.offer, runtimes: ['graph'] } })
  await rehearsal.world.advance(60_000)
  expect(agent.calls).not.toContain('benchmark')
  expect((await pageOf(rehearsal, agent.address)).benchmarks).toEqual([])
})

test('offers are matched by the rule that is asked for', async () => {
  const rehearsal = await rehearse()
  await rehearsal.agent({ key: 21, slots: 1, nanoUsd: 5n })
  const match = async (award: Record<string, unknown>) => {
    const answer = await rehearsal.app().request('/v1/offers/match', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        slots: 1,
        resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0 },
        runtime: 'noop',
        placement: { regions: [], countries: [], providers: [], excludeProviders: [], attributes: {} },
        maxPrice: { nanoUsd: '1000', per: 'task' },
        ...award,
      }),
    })
    return (await answer.json()) as { offers: unknown[]; effective: { nanoUsd: number; starts: number }[] }
  }
  expect(await match({})).toMatchObject({ offers: [{}], effective: [] })
  const { offers, effective } = await match({ award: 'effective', program: null })
  expect(offers).toHaveLength(1)
  expect(effective[0]?.nanoUsd).toBeGreaterThan(5)
  expect(effective[0]?.starts).toBeGreaterThan(1)
})
