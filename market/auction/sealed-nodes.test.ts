import { createVerifier, loadSecp256k1, verifyTranscript } from '@muster/protocol'
import { expect, test } from 'vitest'
import { noopSpec } from '../rehearsal/rehearse.ts'
import { rehearseNodes } from '../rehearsal/rehearse-nodes.ts'

const verifier = createVerifier(await loadSecp256k1())
const sealed = noopSpec(2, { slots: 1, auction: { windowMs: 1_000, pricing: 'second-price' } })

test('a sealed auction is one over all nodes: bids of agents linked elsewhere count, and they read its transcript where they are', async () => {
  const market = rehearseNodes({ market: { keyRequestsPerSecond: 0 } })
  const [a, b, c] = [await market.start('a'), await market.start('b'), await market.start('c')]
  await market.world.advance(2_500)
  const dear = await a.agent({ key: 1, slots: 2, nanoUsd: 900n })
  const cheap = await b.agent({ key: 2, slots: 2, nanoUsd: 100n })
  const middle = await c.agent({ key: 3, slots: 2, nanoUsd: 200n })
  await market.world.advance(100)
  const tenant = await a.tenant()
  const { id } = await tenant.submit(sealed)
  expect(await a.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '400' })
  expect([dear, cheap, middle].map(({ starts }) => starts.length)).toEqual([0, 2, 0])
  const [summary] = await a.store().auctions.ofJob(id, { limit: 9 })
  expect(summary).toMatchObject({ solicited: 3, bids: 3, winners: 1 })
  if (summary === undefined) throw new Error('no auction')
  for (const { heard } of [dear, cheap, middle])
    expect(heard.filter(({ type }) => type === 'bid-acknowledged' || type === 'auction-over')).toHaveLength(2)
  middle.send({ type: 'want-transcript', auction: summary.id })
  await market.world.advance(100)
  const told = middle.heard.find(({ type }) => type === 'transcript')
  if (told?.type !== 'transcript' || told.transcript === null) throw new Error('no transcript')
  const failed = verifyTranscript(verifier, c.market().domain, told.transcript).filter(({ holds }) => !holds)
  expect(failed).toEqual([])
  await market.world.advance(20_000)
  expect([dear, cheap, middle].map(({ reservations }) => reservations.size)).toEqual([0, 0, 0])
  await a.audit(id)
})

test('a node that is killed in the window is followed by another, which auctions anew', async () => {
  const market = rehearseNodes({ market: { keyRequestsPerSecond: 0 } })
  const [a, b] = [await market.start('a'), await market.start('b')]
  await market.world.advance(2_500)
  const cheap = await b.agent({ key: 2, slots: 2, nanoUsd: 100n })
  const dear = await b.agent({ key: 3, slots: 2, nanoUsd: 200n })
  const tenant = await a.tenant()
  const { id } = await tenant.submit(sealed)
  await market.world.advance(500)
  await a.kill()
  await market.world.advance(30_000)
  for (const agent of [cheap, dear]) agent.repeat()
  await market.world.advance(60_000)
  expect((await b.store().jobs.get(id))?.phase).toBe('succeeded')
  expect([cheap, dear].map(({ reservations, leases }) => [reservations.size, leases.size])).toEqual([
    [0, 0],
    [0, 0],
  ])
  expect(await b.store().auctions.ofJob(id, { limit: 9 })).toHaveLength(1)
  await b.audit(id)
})
