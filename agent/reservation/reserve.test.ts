import { createSigner, MusterError, newId, nobleSecp256k1, signRecord, type OfferId } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { openMemoryJournal } from '../journal/memory/open-journal.ts'
import type { Journal } from '../journal/journal.ts'
import { setStage } from '../stage/stage-agent.ts'

const stranger = createSigner(nobleSecp256k1, new Uint8Array(32).fill(7))

describe('reserve', () => {
  test('the same order and offer give the same reservation while it lives, and hold its slots once', async () => {
    const { market, agent, world } = await setStage()
    const order = market.order({ slots: 2 })
    const [first, second] = await Promise.all([market.reserve(order), market.reserve(order)])
    expect(second).toEqual(first)
    expect(await market.reserve(order, 1)).toEqual(first)
    expect(agent().status().free.cpuMilli).toBe(2000)
    await world.pass(10_001)
    const later = await market.reserve(order)
    expect(later.record.id).not.toBe(first.record.id)
  })

  test('one that became a lease is no answer any more: the same order and offer get a second lease', async () => {
    const { market, agent, restart, world } = await setStage()
    const order = market.order({ slots: 3 })
    const first = await market.reserve(order, 1)
    const lease = market.lease(first)
    await market.open(lease)
    const second = await market.reserve(order, 2)
    expect(second.record.id).not.toBe(first.record.id)
    expect(await market.reserve(order, 2)).toEqual(second)
    expect(agent().status().free.cpuMilli).toBe(1000)
    await restart()
    await world.pass(300)
    const again = { order, offer: second.record.offer, slots: 2, ttlMs: 10_000 }
    expect(await market.handlers().onCall('reserve', again)).toEqual(second)
    await market.open(market.lease(second, { job: lease.record.job }))
    expect(agent().status()).toMatchObject({ leases: { length: 2 }, free: { cpuMilli: 1000 } })
    await market.close(lease)
    expect((await market.reserve(order, 1)).record.id).not.toBe(second.record.id)
    expect(agent().status()).toMatchObject({ leases: { length: 1 }, free: { cpuMilli: 1000 } })
  })

  test('it is in the journal before it is answered', async () => {
    const journal = openMemoryJournal()
    const { market } = await setStage({ modules: { journal } })
    const reservation = await market.reserve(market.order())
    expect(await journal.load()).toMatchObject([{ kind: 'reservation', id: reservation.record.id, lease: null }])
  })

  test('more than there is is refused with what there is', async () => {
    const { market } = await setStage()
    await market.reserve(market.order({ slots: 3 }))
    await expect(market.reserve(market.order({ slots: 2 }))).rejects.toMatchObject({
      code: 'capacity_taken',
      facts: { expected: 2, found: 1 },
    })
  })

  test('two that arrive together never get the same slot', async () => {
    const { market, agent } = await setStage()
    const answers = await Promise.allSettled([1, 2, 3].map(() => market.reserve(market.order({ slots: 2 }))))
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(agent().status().free.cpuMilli).toBe(0)
  })

  test('it expires, frees its slots and leaves the journal', async () => {
    const { market, agent, world, journal } = await setStage()
    await market.reserve(market.order({ slots: 4 }), 4, 5000)
    await world.pass(4999)
    expect(agent().status().free.cpuMilli).toBe(0)
    await world.pass(2)
    expect(agent().status()).toMatchObject({ reservations: 0, free: { cpuMilli: 4000 } })
    expect(await journal.load()).toEqual([])
  })

  test('it holds no longer than the agent allows, whatever is asked', async () => {
    const { market, world } = await setStage()
    const { record } = await market.reserve(market.order(), 1, 2 ** 40)
    expect(record.expiresAt).toBe(world.now() + 60_000)
  })

  test('it is released, twice if need be', async () => {
    const { market, agent, journal } = await setStage()
    const { record } = await market.reserve(market.order())
    for (let time = 0; time < 2; time++) await market.handlers().onCall('release', { reservation: record.id })
    expect(agent().status().free).toEqual(agent().status().total)
    expect(await journal.load()).toEqual([])
  })

  test('one that became a lease is not released', async () => {
    const { market } = await setStage()
    const reservation = await market.reserve(market.order())
    await market.open(market.lease(reservation))
    await expect(market.handlers().onCall('release', { reservation: reservation.record.id })).rejects.toMatchObject({
      code: 'conflict',
    })
  })

  test('names the GPUs it holds, each once', async () => {
    const gpus = ['GPU-a', 'GPU-b', 'GPU-c']
    const { market } = await setStage({
      options: {
        capacity: { cpuMilli: 8000, memoryBytes: 2 ** 33, diskBytes: 0, gpus },
        slot: { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 1 },
      },
    })
    const first = await market.reserve(market.order({ slots: 2 }))
    const second = await market.reserve(market.order())
    expect([...first.record.gpus, ...second.record.gpus].toSorted()).toEqual(gpus)
    await expect(market.reserve(market.order())).rejects.toMatchObject({ code: 'capacity_taken' })
  })

  test('the number without a lease is bounded', async () => {
    const { market } = await setStage({ options: { maxReservations: 2 } })
    await market.reserve(market.order())
    const leased = await market.reserve(market.order())
    await expect(market.reserve(market.order())).rejects.toMatchObject({ code: 'rate_limited' })
    await market.open(market.lease(leased))
    await market.reserve(market.order())
  })

  test('the price is the offer’s, not the order’s', async () => {
    const { market } = await setStage()
    const { record } = await market.reserve(market.order({ maxPrice: { nanoUsd: 9n, per: 'hour' } }))
    expect(record.price).toEqual({ nanoUsd: 1000n, per: 'task' })
  })

  test('a journal that cannot write promises nothing', async () => {
    const inner = openMemoryJournal()
    let isFull = false
    const journal: Journal = {
      ...inner,
      commit: async (changes) => {
        if (isFull) throw new MusterError({ code: 'disk_full', message: 'full' })
        return inner.commit(changes)
      },
    }
    const { market, agent } = await setStage({ modules: { journal } })
    isFull = true
    await expect(market.reserve(market.order())).rejects.toMatchObject({ code: 'disk_full' })
    expect(agent().status().free).toEqual(agent().status().total)
    isFull = false
    await market.reserve(market.order())
  })
})

describe('reserve refuses', () => {
  test('an order for another market', async () => {
    const { market } = await setStage()
    const order = market.order({ market: stranger.address })
    await expect(market.reserve(order)).rejects.toMatchObject({ code: 'request_invalid' })
  })

  test('an order that says the market signed it and was signed by another', async () => {
    const { market } = await setStage()
    const { record } = market.order()
    const forged = signRecord(stranger, { chainId: 1, market: market.address }, record)
    await expect(market.reserve(forged)).rejects.toMatchObject({ code: 'signature_invalid' })
  })

  test('an order changed after it was signed', async () => {
    const { market } = await setStage()
    const { record, signature } = market.order()
    await expect(market.reserve({ record: { ...record, ceiling: 9n }, signature })).rejects.toMatchObject({
      code: 'signature_invalid',
    })
  })

  test('an order of a tenant whose signature fits no key', async () => {
    const { market } = await setStage()
    const { record } = market.order({ custody: 'tenant' })
    const signed = signRecord(stranger, { chainId: 1, market: market.address }, record)
    await market.reserve(signed)
    const broken = {
      record: { ...record, nonce: `0x${'11'.repeat(16)}` as const },
      signature: `0x${'ff'.repeat(65)}` as const,
    }
    await expect(market.reserve(broken)).rejects.toMatchObject({ code: 'signature_invalid' })
  })

  test('an order that expired, beyond what clocks may differ', async () => {
    const { market, world } = await setStage()
    const late = market.order({ expiresAt: world.now() - 59_000 })
    await market.reserve(late)
    const expired = market.order({ expiresAt: world.now() - 60_000 })
    await expect(market.reserve(expired)).rejects.toMatchObject({ code: 'record_expired' })
  })

  test('an order from a clock two minutes ahead', async () => {
    const { market, world } = await setStage()
    const order = market.order({ issuedAt: world.now() + 120_000, expiresAt: world.now() + 180_000 })
    await expect(market.reserve(order)).rejects.toMatchObject({ code: 'clock_skewed' })
  })

  test('an offer that is not ours, or was, long ago', async () => {
    const { market, world } = await setStage()
    const offer: OfferId = newId(world, 'offer')
    const request = { order: market.order(), offer, slots: 1, ttlMs: 1000 }
    await expect(market.handlers().onCall('reserve', request)).rejects.toMatchObject({ code: 'record_expired' })
    const ours = market.offers()[0]?.record.id ?? offer
    const { onCall } = market.handlers()
    market.refuse(true)
    market.cut()
    await world.pass(70_000)
    const order = market.order()
    await expect(onCall('reserve', { order, offer: ours, slots: 1, ttlMs: 1000 })).rejects.toMatchObject({
      code: 'record_expired',
    })
  })

  test('a slot larger than it sells, another runtime, and more slots than were ordered', async () => {
    const { market } = await setStage()
    const large = market.order({ resources: { cpuMilli: 1000, memoryBytes: 2 ** 31, diskBytes: 0, gpuCount: 0 } })
    await expect(market.reserve(large)).rejects.toMatchObject({
      code: 'request_invalid',
      facts: { requirement: 'memoryBytes' },
    })
    await expect(market.reserve(market.order({ slots: 1 }), 2)).rejects.toMatchObject({ code: 'request_invalid' })
    const offer = market.offers()[0]?.record.id
    if (offer === undefined) throw new Error('no offer')
    const request = { order: market.order({ runtime: 'graph' }), offer, slots: 1, ttlMs: 1000 }
    await expect(market.handlers().onCall('reserve', request)).rejects.toMatchObject({ code: 'request_invalid' })
  })

  test('anything after which the market is told anew what is free', async () => {
    const { market, world } = await setStage()
    const before = market.messages.length
    await market.reserve(market.order({ slots: 9 })).catch(() => {})
    await world.pass(30)
    expect(market.messages.slice(before)).toMatchObject([{ type: 'offers', offers: [{ record: { slots: 4 } }] }])
  })
})

test('a restart keeps what was reserved, with the same answer', async () => {
  const { market, restart, world } = await setStage()
  const order = market.order({ slots: 3 })
  const reservation = await market.reserve(order)
  const agent = await restart()
  await world.pass(300)
  expect(agent.status().free.cpuMilli).toBe(1000)
  await market.open(market.lease(reservation))
  expect(agent.status().leases).toHaveLength(1)
})

test('the planted bug keeps a reservation held past its end after a crash, and only then', async () => {
  for (const bugs of [new Set<'reservation-leaked-on-crash'>(), new Set(['reservation-leaked-on-crash'] as const)]) {
    const { market, restart, world } = await setStage({ options: { bugs } })
    await market.reserve(market.order({ slots: 3 }))
    const agent = await restart()
    await world.pass(3_600_000)
    expect(agent.status().free.cpuMilli).toBe(bugs.size === 0 ? 4000 : 1000)
  }
})
