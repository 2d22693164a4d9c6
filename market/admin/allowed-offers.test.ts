import type { Address, AgentPeer, Publication } from '@muster/protocol'
import { expect, test } from 'vitest'
import { adminKey } from '../rehearsal/rehearse.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { address } from '../store/test-records.ts'
import { createAllowedOffers } from './allowed-offers.ts'
import { createDenials } from './denials.ts'
import { stageAdmin } from './stage-admin.ts'

test('when denials change, only agents that it concerns are published again', async () => {
  const store = createMemoryStore()
  const denials = createDenials({ world: createVirtualWorld(), store })
  const allowed = createAllowedOffers(denials)
  const publish = (provider: Address, ...regions: string[]): AgentPeer => {
    const peer = { provider } as AgentPeer
    const offers = regions.map((region) => ({ record: { provider, region } }))
    allowed.take(peer, { offers, counted: [] } as unknown as Publication)
    return peer
  }
  const [eu, both, us] = [publish(address('1'), 'eu'), publish(address('2'), 'eu', 'us'), publish(address('3'), 'us')]
  const concerned = async () => {
    await denials.load()
    const found: AgentPeer[] = []
    allowed.again((peer, publication) => {
      found.push(peer)
      allowed.take(peer, publication)
    })
    return found
  }
  const denial = { reason: 'x', at: 1, by: 'owner', expiresAt: null, stopped: false }
  await store.admin.deny({ ...denial, kind: 'region', subject: 'eu' })
  expect(await concerned()).toEqual([eu, both])
  expect(await concerned()).toEqual([])
  await store.admin.deny({ ...denial, kind: 'provider', subject: address('3') })
  expect(await concerned()).toEqual([us])
  await store.admin.allow({ kind: 'region', subject: 'eu' })
  expect(await concerned()).toEqual([eu, both])
  expect([...allowed.regionsOf(address('2'))]).toEqual(['eu', 'us'])
  allowed.forget(both)
  expect([...allowed.regionsOf(address('2'))]).toEqual([])
})

test('offers of a denied region are not listed, and are again once it is allowed', async () => {
  const { stage, owner } = await stageAdmin(adminKey)
  const agent = await stage.agent({ key: 1, slots: 2, nanoUsd: 300n })
  agent.publish({ region: 'eu' })
  await stage.world.advance(1_000)
  const regions = async (): Promise<string[]> => {
    const body = (await (await stage.app().request('/v1/offers')).json()) as {
      offers: { record: { region: string } }[]
    }
    return body.offers.map(({ record }) => record.region)
  }
  expect(await regions()).toEqual(['eu'])
  const target = { kind: 'region', subject: 'eu' }
  await owner('POST', '/v1/admin/denials', { target, reason: 'why' })
  expect(await regions()).toEqual([])
  await owner('POST', '/v1/admin/denials/end', { target })
  expect(await regions()).toEqual(['eu'])
})
