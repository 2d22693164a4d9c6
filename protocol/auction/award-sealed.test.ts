import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf, type Digest } from '../digest/digest.ts'
import { toHex, type Hex } from '../digest/hex.ts'
import type { Order } from '../order/order.ts'
import type { Reliability } from '../record/estimate.ts'
import type { Address } from '../signature/address.ts'
import { exampleOrder, exampleReservation } from '../vector/example-records.ts'
import { awardSealed, tieOf, type SealedAuction } from './award-sealed.ts'
import type { Closing } from './closing.ts'
import { sealOf } from './commitment.ts'
import { effectivePrice, type UnitOfWork } from './effective-price.ts'
import { writeScores } from './scores.ts'
import type { BidRefusal, SealedBid } from './transcript.ts'

const ceiling = 1_000n
const at = exampleReservation.issuedAt
const auction = 'auc_01K5KRN0M0ABCDEFGHJKMNPQRS' as Closing['auction']
const salt = toHex(new Uint8Array(32).fill(7))

const orderWith = (change: Partial<Order> = {}): Order => ({
  ...exampleOrder,
  slots: 50,
  maxPrice: { nanoUsd: ceiling, per: 'task' },
  auction: { windowMs: 200, pricing: 'second-price' },
  ...change,
})

const closingOf = (order: Order, root: Hex = toHex(new Uint8Array(32).fill(3))): Closing => ({
  kind: 'closing',
  market: order.market,
  auction,
  order: digestOf(order),
  root,
  count: 1,
  closedAt: at,
  revealBy: at + 3_000,
})

const providerOf = (index: number): Address => `0x${index.toString(16).padStart(40, '0')}` as Address

interface Bid {
  readonly price: bigint
  readonly slots?: number
  readonly provider?: number
  readonly change?: Partial<typeof exampleReservation>
}

const bidOf = (order: Order, { price, slots = 1, change = {} }: Bid, provider: Address): SealedBid => {
  const record = {
    ...exampleReservation,
    provider,
    order: digestOf(order),
    slots,
    gpus: [],
    price: { nanoUsd: price, per: 'task' as const },
    expiresAt: at + 30_000,
    ...change,
  }
  const seal = sealOf({ auction, order: digestOf(order), provider, reservation: digestOf(record), salt })
  return { provider, seal, signature: '0x', reveal: { reservation: { record, signature: '0x' }, salt } }
}

const auctionOf = (
  bids: readonly Bid[],
  { order = orderWith(), wanted = 1, ...change }: { order?: Order; wanted?: number } & Partial<SealedAuction> = {},
): SealedAuction => ({
  order,
  wanted,
  closing: closingOf(order),
  bids: bids.map((bid, index) => bidOf(order, bid, providerOf(bid.provider ?? index))),
  late: [],
  scores: null,
  awardedAt: at + 100,
  ...change,
})

const wonBy = (sealed: SealedAuction) =>
  awardSealed(sealed).winners.map(({ provider, slots, price }) => [Number(provider), slots, price.nanoUsd] as const)

describe('the winner is paid', () => {
  test('its bid, where it is pay as bid', () => {
    const order = orderWith({ auction: { windowMs: 200, pricing: 'pay-as-bid' } })
    expect(wonBy(auctionOf([{ price: 7n }, { price: 5n }, { price: 9n }], { order, wanted: 2 }))).toEqual([
      [1, 1, 5n],
      [0, 1, 7n],
    ])
  })

  test('the best losing bid, where it is second price; the ceiling where nobody loses', () => {
    expect(wonBy(auctionOf([{ price: 7n }, { price: 5n }, { price: 9n }]))).toEqual([[1, 1, 7n]])
    expect(wonBy(auctionOf([{ price: 7n }, { price: 5n }, { price: 9n }], { wanted: 2 }))).toEqual([
      [1, 1, 9n],
      [0, 1, 9n],
    ])
    expect(wonBy(auctionOf([{ price: 7n }]))).toEqual([[0, 1, ceiling]])
  })

  test('what it would still have won its slots at, where bids are of several', () => {
    const bids = [
      { price: 1n, slots: 4 },
      { price: 2n, slots: 4 },
      { price: 3n, slots: 4 },
      { price: 5n, slots: 4 },
    ]
    expect(wonBy(auctionOf(bids, { wanted: 10 }))).toEqual([
      [0, 4, 3n],
      [1, 4, 3n],
      [2, 2, 5n],
    ])
  })
})

describe('a bid does not count', () => {
  const order = orderWith()
  const other = orderWith({ slots: 3 })
  const refusedAs = (change: (bid: SealedBid) => SealedBid | SealedBid[], given: Bid = { price: 5n }) => {
    const made = change(bidOf(order, given, providerOf(1)))
    const bids = Array.isArray(made) ? made : [made]
    return awardSealed({ ...auctionOf([], { order }), bids }).refused.map(({ reason }) => reason)
  }
  const same = (bid: SealedBid) => bid

  test.each<[BidRefusal, (bid: SealedBid) => SealedBid | SealedBid[], Bid?]>([
    ['unrevealed', (bid) => ({ ...bid, reveal: null })],
    ['does-not-open', (bid) => ({ ...bid, reveal: bid.reveal && { ...bid.reveal, salt: toHex(new Uint8Array(32)) } })],
    ['does-not-open', (bid) => ({ ...bid, seal: digestOf('another') })],
    ['does-not-open', (bid) => ({ ...bid, provider: providerOf(2) })],
    ['other-provider', same, { price: 5n, change: { provider: providerOf(9) } }],
    ['other-market', same, { price: 5n, change: { market: providerOf(9) } }],
    ['other-order', same, { price: 5n, change: { order: digestOf(other) } }],
    ['other-unit', same, { price: 5n, change: { price: { nanoUsd: 5n, per: 'hour' } } }],
    ['below-zero', same, { price: -1n }],
    ['above-ceiling', same, { price: ceiling + 1n }],
    ['expired', same, { price: 5n, change: { expiresAt: at - 200_000 } }],
    ['expired', same, { price: 5n, change: { issuedAt: at + 9, expiresAt: at + 8 } }],
    ['does-not-fit', same, { price: 5n, slots: 51 }],
    ['does-not-fit', same, { price: 5n, change: { resources: { ...exampleReservation.resources, cpuMilli: 1 } } }],
    ['does-not-fit', same, { price: 5n, change: { gpus: ['GPU-1'] } }],
    ['duplicate', (bid) => [bid, bid]],
  ])('%s', (reason, change, given) => {
    expect(refusedAs(change, given)).toEqual([reason])
  })

  test('where it came late', () => {
    const sealed = auctionOf([{ price: 5n }], { late: [{ provider: providerOf(8) }] })
    expect(awardSealed(sealed)).toMatchObject({
      winners: [{ provider: providerOf(0) }],
      refused: [{ provider: providerOf(8), reason: 'late' }],
    })
  })

  test('and of 5,000 bids of one provider one does', () => {
    const bids = Array.from({ length: 5_000 }, (_, index) => ({ price: BigInt(1 + (index % 900)), provider: 1 }))
    const { winners, refused } = awardSealed(auctionOf([...bids, { price: 999n, provider: 2 }], { wanted: 2 }))
    expect(winners.map(({ provider }) => provider).toSorted()).toEqual([providerOf(1), providerOf(2)])
    expect(refused.filter(({ reason }) => reason === 'duplicate')).toHaveLength(4_999)
  })
})

const work: UnitOfWork = { durationMs: 3_600_000, startMs: 0, operators: 7, transferNanoUsd: 3, checkpoint: null }
const sound: Reliability = { hazardPerHour: 0, success: 1, startFactor: 1, durationFactor: 1 }

const price = fc.bigInt({ min: 0n, max: ceiling + 100n })
const many = fc.array(fc.record({ price, slots: fc.integer({ min: 1, max: 6 }) }), { maxLength: 12 })
const reliability = fc.record({
  hazardPerHour: fc.double({ min: 0, max: 3, noNaN: true }),
  success: fc.double({ min: 0.05, max: 1, noNaN: true }),
  startFactor: fc.constant(1),
  durationFactor: fc.double({ min: 0.3, max: 5, noNaN: true }),
})
const awards = fc.constantFrom<Order['award'][]>('lowest', 'effective')
const scoresOf = (award: Order['award'], known: readonly Reliability[], count: number) =>
  award === 'lowest'
    ? null
    : writeScores(
        work,
        new Map(Array.from({ length: count }, (_, index) => [providerOf(index), known[index] ?? sound])),
      )

describe('whatever is bid,', () => {
  test('nobody is paid more than the ceiling nor less than it bid, and no more slots are given than are wanted', () => {
    fc.assert(
      fc.property(
        many,
        fc.integer({ min: 1, max: 20 }),
        awards,
        fc.array(reliability),
        (bids, wanted, award, known) => {
          for (const pricing of ['second-price', 'pay-as-bid'] as const) {
            const order = orderWith({ award, auction: { windowMs: 200, pricing } })
            const sealed = auctionOf(bids, { order, wanted, scores: scoresOf(award, known, bids.length) })
            const { winners, refused } = awardSealed(sealed)
            let slots = 0
            for (const winner of winners) {
              const bid = bids[Number(winner.provider)]
              if (bid === undefined) throw new Error('a winner that did not bid')
              slots += winner.slots
              expect(winner.price.nanoUsd).toBeLessThanOrEqual(ceiling)
              expect(winner.price.nanoUsd).toBeGreaterThanOrEqual(bid.price)
              expect(winner.slots).toBeLessThanOrEqual(bid.slots)
              if (pricing === 'pay-as-bid') expect(winner.price.nanoUsd).toBe(bid.price)
            }
            const valid = bids.filter((bid) => bid.price <= ceiling)
            expect(slots).toBe(
              Math.min(
                wanted,
                valid.reduce((sum, bid) => sum + bid.slots, 0),
              ),
            )
            expect(refused).toHaveLength(bids.length - valid.length)
          }
        },
      ),
    )
  })

  test('who came first is no matter', () => {
    fc.assert(
      fc.property(
        many.chain((bids) =>
          fc.tuple(
            fc.constant(bids),
            fc.shuffledSubarray(
              bids.map((_, index) => index),
              { minLength: bids.length },
            ),
          ),
        ),
        fc.integer({ min: 1, max: 20 }),
        awards,
        ([bids, turned], wanted, award) => {
          const order = orderWith({ award })
          const sealed = auctionOf(bids, { order, wanted, scores: scoresOf(award, [], bids.length) })
          const shuffled = turned.flatMap((index) => sealed.bids[index] ?? [])
          expect(awardSealed({ ...sealed, bids: shuffled })).toEqual(awardSealed(sealed))
        },
      ),
    )
  })

  test('with second price and one slot to sell, no bid does better than one’s cost', () => {
    fc.assert(
      fc.property(
        fc.array(price, { maxLength: 8 }),
        price,
        price,
        fc.integer({ min: 1, max: 5 }),
        awards,
        fc.array(reliability, { minLength: 9, maxLength: 9 }),
        (others, cost, deviation, wanted, award, known) => {
          const order = orderWith({ award })
          const gainOf = (bid: bigint): bigint => {
            const bids = [{ price: bid }, ...others.map((each) => ({ price: each }))]
            const sealed = auctionOf(bids, { order, wanted, scores: scoresOf(award, known, bids.length) })
            const own = awardSealed(sealed).winners.find(({ provider }) => provider === providerOf(0))
            return own === undefined ? 0n : own.price.nanoUsd - cost
          }
          expect(gainOf(cost)).toBeGreaterThanOrEqual(gainOf(deviation))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('what a winner is paid is the highest price that would still have won', () => {
    fc.assert(
      fc.property(
        many,
        fc.integer({ min: 1, max: 12 }),
        awards,
        fc.array(reliability),
        (bids, wanted, award, known) => {
          const order = orderWith({ award })
          const scores = scoresOf(award, known, bids.length)
          const sealed = auctionOf(bids, { order, wanted, scores })
          for (const { provider, slots, price: paid } of awardSealed(sealed).winners) {
            if (paid.nanoUsd === ceiling) continue
            const dearer = bids.map((bid, index) =>
              index === Number(provider) ? { ...bid, price: paid.nanoUsd + 1n } : bid,
            )
            const again = awardSealed(auctionOf(dearer, { order, wanted, scores })).winners
            expect(again.find((winner) => winner.provider === provider)?.slots ?? 0).toBeLessThan(slots)
          }
        },
      ),
    )
  })
})

test('under `effective` the least expected cost of a finished unit wins, and is paid up to the next', () => {
  const order = orderWith({ award: 'effective', maxPrice: { nanoUsd: 1_000_000n, per: 'task' } })
  const flaky: Reliability = { ...sound, success: 0.5 }
  const known = [flaky, sound]
  const sealed = auctionOf([{ price: 600n }, { price: 1_000n }], { order, scores: scoresOf('effective', known, 2) })
  const [winner] = awardSealed(sealed).winners
  expect(winner?.provider).toBe(providerOf(1))
  const cost = (nanoUsd: bigint, of: Reliability) =>
    effectivePrice({ price: { nanoUsd, per: 'task' } }, of, work).nanoUsd
  const rival = cost(600n, flaky)
  const paid = winner?.price.nanoUsd ?? 0n
  expect(cost(paid, sound)).toBeLessThanOrEqual(rival)
  expect(cost(paid + 1n, sound)).toBeGreaterThan(rival)
})

test('of equal bids the hash of closing root and provider decides', () => {
  const roots = Array.from({ length: 40 }, (_, index) => toHex(new Uint8Array(32).fill(index)) as Digest)
  const winners = roots.map((root) => {
    const order = orderWith()
    const sealed = auctionOf([{ price: 5n }, { price: 5n }, { price: 5n }], { order, closing: closingOf(order, root) })
    const [winner] = awardSealed(sealed).winners
    const best = [0, 1, 2].map(providerOf).toSorted((a, b) => (tieOf(root, a) < tieOf(root, b) ? -1 : 1))[0]
    expect(winner?.provider).toBe(best)
    return winner?.provider
  })
  expect(new Set(winners).size).toBe(3)
})
