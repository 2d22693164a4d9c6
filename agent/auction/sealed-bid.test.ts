import { awardSealed, digestOf, newId, sealOf, signRecord, type Transcript } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { stageSigner } from '../stage/stage-agent.ts'
import type { AuctionProof } from './bids.ts'
import {
  asCommitment,
  asked,
  marketSigner,
  rival,
  rivalBid,
  runAuction,
  setUp,
  windowMs,
  type Set,
} from './stage-auction.ts'

describe('a sealed bid', () => {
  test('is a reservation at the price of the policy, held past the close, and says no price', async () => {
    const set = await setUp()
    const commitment = await set.solicit()
    expect(JSON.stringify(commitment.record)).not.toContain('1000')
    expect(set.agent().status()).toMatchObject({ reservations: 1, free: { cpuMilli: 2000 } })
    expect(await set.solicit()).toEqual(commitment)
    expect(set.agent().status().reservations).toBe(1)
    const reveal = await set.market.handlers().onCall('reveal', set.closingOf([commitment]))
    const { record } = reveal.reservation
    expect(set.reservations).toEqual([record.id, record.id])
    expect(record).toMatchObject({
      slots: 2,
      price: { nanoUsd: 1_000n, per: 'task' },
      order: digestOf(set.order.record),
    })
    const { auction, order, provider, seal } = commitment.record
    expect(sealOf({ auction, order, provider, reservation: digestOf(record), salt: reveal.salt })).toBe(seal)
    expect(record.expiresAt - record.issuedAt).toBe(13_200)
    await set.world.pass(13_201)
    expect(set.agent().status()).toMatchObject({ reservations: 0, free: { cpuMilli: 4000 } })
  })

  test('is of fewer slots where there are no more, and of none where nothing is left', async () => {
    const set = await setUp()
    await set.market.reserve(set.market.order({ slots: 3 }), 3)
    const commitment = await set.solicit()
    const { reservation } = await set.market.handlers().onCall('reveal', set.closingOf([commitment]))
    expect(reservation.record.slots).toBe(1)
    await expect(set.solicit({ auction: newId(set.world, 'auction') })).rejects.toMatchObject({
      code: 'capacity_taken',
    })
  })

  test('is not made above the ceiling, for an order without an auction, or in an auction without end', async () => {
    const set = await setUp()
    const auction = { windowMs, pricing: 'second-price' } as const
    const poor = set.market.order({ auction, maxPrice: { nanoUsd: 999n, per: 'task' } })
    await expect(set.solicit({ order: poor, slots: 1 })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(set.solicit({ order: set.market.order(), slots: 1 })).rejects.toMatchObject({
      code: 'request_invalid',
    })
    await expect(set.solicit({ windowMs: 60_001 })).rejects.toMatchObject({ code: 'request_invalid' })
    expect(set.agent().status().reservations).toBe(0)
  })

  test('has its price kept from a market that asks for an ordinary reservation instead', async () => {
    const set = await setUp()
    await set.solicit()
    await expect(set.market.reserve(set.order, 2)).rejects.toMatchObject({ code: 'request_invalid' })
    expect(set.agent().status().reservations).toBe(1)
  })

  test('is not made by the thousand: a market that asks without end is held to its bounds', async () => {
    const set = await setUp({ options: { maxReservations: 3 } as never })
    const order = set.market.order({ slots: 1, auction: { windowMs, pricing: 'second-price' } })
    const answers = await Promise.allSettled(
      Array.from({ length: 5_000 }, () => set.solicit({ auction: newId(set.world, 'auction'), order, slots: 1 })),
    )
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(set.agent().status().reservations).toBe(3)
  })

  test('is gone with a restart, and its slots come back when it would have expired', async () => {
    const set = await setUp()
    const commitment = await set.solicit()
    await set.restart()
    await expect(set.market.handlers().onCall('reveal', set.closingOf([commitment]))).rejects.toMatchObject({
      code: 'not_found',
    })
    expect(set.agent().status().reservations).toBe(1)
    await set.world.pass(13_300)
    expect(set.agent().status()).toMatchObject({ reservations: 0, free: { cpuMilli: 4000 } })
  })
})

describe('a bid is not opened', () => {
  test('for a list without it, of another order, closed early, or not signed by the market', async () => {
    const set = await setUp()
    const commitment = await set.solicit()
    const reveal = (given: ReturnType<Set['closingOf']>) => set.market.handlers().onCall('reveal', given)
    const other = asCommitment(set, rivalBid(set, 5n))
    await expect(reveal(set.closingOf([other]))).rejects.toMatchObject({ code: 'record_invalid' })
    await expect(reveal(set.closingOf([commitment], { order: digestOf('other') }))).rejects.toMatchObject({
      code: 'record_invalid',
    })
    await expect(reveal(set.closingOf([commitment], { closedAt: set.world.now() - 1 }))).rejects.toMatchObject({
      code: 'record_invalid',
    })
    await expect(reveal(set.closingOf([commitment], { count: 1_000_000 }))).rejects.toMatchObject({
      code: 'record_invalid',
    })
    const { closing, path } = set.closingOf([commitment])
    const forged = { closing: signRecord(rival, set.domain, closing.record), path }
    await expect(reveal(forged)).rejects.toMatchObject({ code: 'signature_invalid' })
    expect(set.proofs).toEqual([])
  })

  test('for a second list of one auction: both are kept', async () => {
    const set = await setUp()
    const commitment = await set.solicit()
    const first = set.closingOf([commitment])
    const answer = await set.market.handlers().onCall('reveal', first)
    expect(await set.market.handlers().onCall('reveal', first)).toEqual(answer)
    const second = set.closingOf([commitment], { revealBy: set.world.now() + 9_999 })
    await expect(set.market.handlers().onCall('reveal', second)).rejects.toMatchObject({ code: 'conflict' })
    expect(set.proofs).toMatchObject([{ breach: 'two-lists', closing: first.closing, secondClosing: second.closing }])
  })
})

describe('when the auction is over', () => {
  test('what lost is free at once, and the transcript is asked for and found right', async () => {
    const set = await setUp()
    const { transcript } = await runAuction(set)
    expect(set.agent().status()).toMatchObject({ reservations: 0, free: { cpuMilli: 4000 } })
    expect(asked(set)).toBe(1)
    set.market.send({ type: 'transcript', auction: set.auction, transcript })
    await set.world.settle()
    expect(set.proofs).toEqual([])
  })

  test('what won becomes a lease at the price of the auction, of as many slots as were won', async () => {
    const set = await setUp()
    const { reveal } = await runAuction(set, undefined, 5_000n)
    const sealed = { slots: 1, price: { nanoUsd: 5_000n, per: 'task' as const } }
    const auction = { id: set.auction, transcript: digestOf('transcript') }
    const plain = set.market.lease(reveal.reservation, sealed)
    await expect(set.market.open(plain)).rejects.toMatchObject({ code: 'record_invalid' })
    const cheap = set.market.lease(reveal.reservation, { ...sealed, auction, price: { nanoUsd: 999n, per: 'task' } })
    await expect(set.market.open(cheap)).rejects.toMatchObject({ code: 'record_invalid' })
    const large = set.market.lease(reveal.reservation, { ...sealed, auction, slots: 3 })
    await expect(set.market.open(large)).rejects.toMatchObject({ code: 'record_invalid' })
    await set.market.open(set.market.lease(reveal.reservation, { ...sealed, auction }))
    expect(set.agent().status()).toMatchObject({ leases: { length: 1 }, free: { cpuMilli: 3000 } })
    await set.restart()
    expect(set.agent().status()).toMatchObject({ leases: { length: 1 }, free: { cpuMilli: 3000 } })
  })

  test.each<[string, AuctionProof['breach'], (transcript: Transcript) => Transcript]>([
    [
      'somebody else is favoured',
      'unfair',
      (transcript) => ({
        ...transcript,
        award: {
          ...transcript.award,
          winners: transcript.award.winners.map((winner) => ({ ...winner, provider: stageSigner('agent').address })),
        },
      }),
    ],
    [
      'the price is not the one that clears',
      'unfair',
      (transcript) => ({
        ...transcript,
        award: {
          ...transcript.award,
          winners: transcript.award.winners.map((winner) => ({
            ...winner,
            price: { ...winner.price, nanoUsd: 10_000n },
          })),
        },
      }),
    ],
  ])('a transcript in which %s is kept as a proof', async (_, breach, cheat) => {
    const set = await setUp()
    const { transcript } = await runAuction(set, cheat)
    set.market.send({ type: 'transcript', auction: set.auction, transcript })
    await set.world.settle()
    expect(set.proofs).toMatchObject([{ breach, auction: set.auction, transcript }])
  })

  test.each([
    ['that it has no transcript', { transcript: null }],
    ['that a million bid', { bids: 1_000_000 }],
  ] as const)('a market that says %s is asked all the same', async (_, said) => {
    const set = await setUp()
    const cheat = (told: Transcript): Transcript => ({ ...told, award: { winners: [], refused: [] } })
    const { transcript } = await runAuction(set, cheat, 500n, said)
    expect(asked(set)).toBe(1)
    set.market.send({ type: 'transcript', auction: set.auction, transcript })
    await set.world.settle()
    expect(set.proofs).toMatchObject([{ breach: 'unfair', transcript }])
  })

  test('a bid that was acknowledged is looked for, though the market says that nothing came of the auction', async () => {
    const set = await setUp()
    set.acknowledge(await set.solicit())
    await set.world.settle()
    set.market.send({ type: 'auction-over', auction: set.auction, hasWon: false, bids: 0, transcript: null })
    await set.world.settle()
    expect(asked(set)).toBe(1)
  })

  test('a transcript that nobody asked for is not looked at', async () => {
    const set = await setUp()
    const { transcript } = await runAuction(set, (told) => ({ ...told, award: { winners: [], refused: [] } }))
    const stray = { type: 'transcript' as const, auction: newId(set.world, 'auction'), transcript }
    set.market.send(stray)
    await set.world.settle()
    expect(set.proofs).toEqual([])
  })
})

test('a bidder that was acknowledged and is in no list asks for the transcript, and keeps the proof', async () => {
  const set = await setUp()
  const { market, world, domain, auction, order } = set
  const commitment = await set.solicit()
  set.acknowledge(commitment)
  await world.pass(windowMs)
  const other = rivalBid(set, 700n)
  const { closing } = set.closingOf([asCommitment(set, other)])
  const decided = { wanted: 2, bids: [other], late: [], scores: null, awardedAt: world.now() }
  const transcript = signRecord(marketSigner, domain, {
    kind: 'transcript' as const,
    market: market.address,
    auction,
    job: `job_${order.record.id.slice(4)}` as Transcript['job'],
    order,
    solicited: 2,
    openedAt: closing.record.closedAt - windowMs,
    closing,
    ...decided,
    award: awardSealed({ ...decided, order: order.record, closing: closing.record }),
  })
  await world.pass(13_300)
  expect(asked(set)).toBe(1)
  market.send({ type: 'transcript', auction, transcript })
  await world.settle()
  expect(set.proofs).toMatchObject([{ breach: 'excluded', acknowledgement: { record: { auction } }, transcript }])
})

test('one that nobody acknowledged asks for nothing', async () => {
  const set = await setUp()
  await set.solicit()
  await set.world.pass(60_000)
  expect(asked(set)).toBe(0)
})
