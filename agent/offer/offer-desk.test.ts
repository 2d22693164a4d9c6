import {
  createVerifier,
  nobleSecp256k1,
  signedOfferSchema,
  type AgentMessage,
  type Attestation,
  type SignedAttestation,
} from '@muster/protocol'
import { expect, test } from 'vitest'
import { setStage, stageSigner } from '../stage/stage-agent.ts'
import { createStageMarket } from '../stage/stage-market.ts'
import { stageModules } from '../stage/stage-agent.ts'
import { createAgent } from '../agent.ts'

const offersOf = (messages: readonly AgentMessage[]) => messages.filter((message) => message.type === 'offers')

const setTwoMarkets = async () => {
  const { world, market, options, modules } = await stageModules()
  const other = createStageMarket(world, stageSigner('other market'))
  const agent = createAgent(
    { ...options, markets: [market.address, other.address], reservedShare: 1 },
    { ...modules, dialOf: (address) => (address === market.address ? market.dial : other.dial) },
  )
  await agent.start()
  await world.settle()
  return { world, market, other, agent }
}

test('an offer is published on linking, signed, well-formed, and for each runtime with a price and a workload', async () => {
  const { market, agent } = await setStage({
    options: {
      region: 'eu-central',
      country: 'DE',
      attributes: { name: 'attic' },
      prices: new Map([
        ['noop', { nanoUsd: 1n, per: 'task' }],
        ['graph', { nanoUsd: 2n, per: 'operator' }],
      ]),
    },
  })
  const [offer] = market.offers()
  expect(market.offers()).toHaveLength(1)
  expect(signedOfferSchema.parse(offer)).toEqual(offer)
  expect(offer?.record).toMatchObject({
    runtimes: ['noop'],
    region: 'eu-central',
    country: 'DE',
    attributes: { name: 'attic' },
    slots: 4,
  })
  if (offer === undefined) return
  createVerifier(nobleSecp256k1).requireSigner({ chainId: 1, market: market.address }, offer, agent().provider)
})

test('it carries what the owner says of the machine, and what auditors say of this provider to this market', async () => {
  const own = await stageModules()
  const auditor = stageSigner('auditor')
  const attest = (change: Partial<Attestation>): SignedAttestation => ({
    record: {
      kind: 'attestation',
      market: own.market.address,
      auditor: auditor.address,
      provider: own.modules.signer.address,
      attributes: { tier: 'datacenter' },
      issuedAt: 0,
      expiresAt: own.world.now() + 90_000,
      ...change,
    },
    signature: '0x',
  })
  const good = attest({})
  const agent = createAgent(
    {
      ...own.options,
      operator: 'acme',
      network: { downMbps: 1_000, upMbps: 100 },
      attestations: [
        attest({ market: auditor.address }),
        attest({ provider: auditor.address }),
        attest({ expiresAt: own.world.now() }),
        good,
      ],
    },
    own.modules,
  )
  await agent.start()
  await own.world.settle()
  const [offer] = own.market.offers()
  expect(offer?.record).toMatchObject({ operator: 'acme', network: { downMbps: 1_000, upMbps: 100 } })
  expect(offer?.record.attestations).toEqual([good])
  await own.world.pass(100_000)
  expect(own.market.offers()[0]?.record).not.toHaveProperty('attestations')
  await agent.stop()
})

test('it is renewed at half its life, under the same id', async () => {
  const { market, world } = await setStage()
  const id = market.offers()[0]?.record.id
  await world.pass(120_000)
  expect(offersOf(market.messages)).toHaveLength(5)
  expect(market.offers()[0]?.record.id).toBe(id)
  expect(market.offers()[0]?.record.expiresAt).toBe(world.now() + 60_000)
})

test('changes that come together are published together, to the markets that cannot know of them', async () => {
  const { market, other, world, agent } = await setTwoMarkets()
  const before = offersOf(other.messages).length
  const [first] = await Promise.all([market.reserve(market.order()), market.reserve(market.order())])
  await world.pass(24)
  expect(offersOf(other.messages)).toHaveLength(before)
  await world.pass(2)
  expect(offersOf(other.messages)).toHaveLength(before + 1)
  expect(other.offers()[0]?.record.slots).toBe(2)
  expect(offersOf(other.messages).at(-1)?.counted).toEqual([])
  expect(market.offers()[0]?.record.slots).toBe(4)

  await market.handlers().onCall('release', { reservation: first.record.id })
  await world.pass(30)
  expect(other.offers()[0]?.record.slots).toBe(3)
  expect(offersOf(market.messages)).toHaveLength(1)
  await agent.stop()
})

test('a market that cannot know that a reservation ended hears of it soon', async () => {
  const { market, world, agent } = await setTwoMarkets()
  await market.reserve(market.order({ slots: 3 }), 3, 5_000)
  await expect(market.reserve(market.order({ slots: 3 }))).rejects.toMatchObject({ code: 'capacity_taken' })
  await world.pass(30)
  expect(market.offers()[0]?.record.slots).toBe(1)
  await world.pass(7_100)
  expect(market.offers()[0]?.record.slots).toBe(4)
  expect(offersOf(market.messages).at(-1)?.counted).toEqual([])
  await agent.stop()
})

test('a market that asks for more than there is hears at once what there is', async () => {
  const { market, other, world, agent } = await setTwoMarkets()
  await market.reserve(market.order({ slots: 3 }))
  await expect(market.reserve(market.order({ slots: 3 }))).rejects.toMatchObject({ code: 'capacity_taken' })
  await world.pass(30)
  expect(market.offers()[0]?.record.slots).toBe(1)
  expect(offersOf(market.messages).at(-1)?.counted).toHaveLength(1)
  expect(other.offers()[0]?.record.slots).toBe(1)
  await agent.stop()
})

test('slots are what fits of everything, and no more than is to be sold', async () => {
  const capacity = { cpuMilli: 64_000, memoryBytes: 5 * 2 ** 30, diskBytes: 0, gpus: [] }
  const { market } = await setStage({ options: { capacity } })
  expect(market.offers()[0]?.record.slots).toBe(5)
  const few = await setStage({ options: { capacity, maxSlots: 2 } })
  expect(few.market.offers()[0]?.record.slots).toBe(2)
  await few.market.reserve(few.market.order({ slots: 2 }))
  await expect(few.market.reserve(few.market.order())).rejects.toMatchObject({ code: 'capacity_taken' })
  await few.world.pass(30)
  expect(few.market.offers()[0]?.record.slots).toBe(0)
})

test('two markets are offered the same slots, and the book gives each slot to one of them', async () => {
  const { world, market, other, agent } = await setTwoMarkets()
  const markets = [market, other]
  expect(markets.map((each) => each.offers()[0]?.record.slots)).toEqual([4, 4])
  const answers = await Promise.allSettled(markets.map((each) => each.reserve(each.order({ slots: 3 }))))
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  await world.pass(30)
  expect(markets.map((each) => each.offers()[0]?.record.slots)).toEqual([4, 1])

  const [first] = answers
  if (first?.status !== 'fulfilled') return
  const { id } = first.value.record
  await other.handlers().onCall('release', { reservation: id })
  const lease = market.lease(first.value)
  await market.open(lease)
  await other.handlers().onCall('close-lease', { lease: lease.record.id })
  expect(agent.status().leases).toEqual([lease.record.id])
  expect(await other.handlers().onCall('holdings', {})).toEqual({ leases: [], attempts: [] })
  const attempt = market.start(lease, 0)
  await world.settle()
  other.send({ type: 'cancel', attempts: [attempt] })
  other.send({ type: 'settled', attempts: [attempt] })
  other.start(lease, 1)
  await world.settle()
  expect(agent.status().attempts).toEqual([{ id: attempt, phase: 'running' }])
  expect(other.failures()).toMatchObject([{ problem: { code: 'lease_closed' } }])
  await agent.stop()
})
