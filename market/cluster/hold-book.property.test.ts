import type { AgentPeer, ReservationId, SignedReservation } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createSupply } from '../supply/supply.ts'
import { testOffer, testOfferId, testProvider } from '../supply/test-offer.ts'
import { createHoldBook } from './hold-book.ts'

const provider = testProvider(1)
const slots = 1_000
const nodes = ['a', 'b', 'c'] as const
const reservation = (number: number) => `rsv_${number}` as ReservationId

const setUp = () => {
  const world = createVirtualWorld()
  const supply = createSupply(world)
  const peer = { provider, epoch: 1 } as AgentPeer
  const offer = testOffer({ id: testOfferId(1), provider, slots, price: { nanoUsd: 1n, per: 'task' } })
  supply.link(peer)
  supply.replace(peer, { offers: [offer], counted: [] })
  return { world, book: createHoldBook(supply, world), free: () => supply.freeSlots(offer) }
}

const answer = (id: ReservationId) => ({ record: { id } }) as SignedReservation

test('what is free is what is offered less what the nodes say they hold, however often and in whatever order they say it', () => {
  const held = fc.uniqueArray(fc.nat(9), { maxLength: 6 })
  const step = fc.record({ node: fc.constantFrom(...nodes), held })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const { book, free } = setUp()
      const last = new Map<string, readonly number[]>()
      for (const { node, held: numbers } of steps) {
        // One reservation is of one job, and so of one node at a time.
        const others = new Set([...last].filter(([other]) => other !== node).flatMap(([, all]) => all))
        const own = numbers.filter((number) => !others.has(number))
        last.set(node, own)
        book.replace(
          node,
          provider,
          own.map((number) => ({ reservation: reservation(number), slots: number + 1 })),
        )
        const sum = [...last.values()].flat().reduce((total, number) => total + number + 1, 0)
        expect(free()).toBe(slots - sum)
      }
      for (const node of nodes) book.replace(node, provider, [])
      expect(free()).toBe(slots)
    }),
  )
})

test('slots asked for in another’s name are taken while the call lasts, then until that node names them or takes too long', async () => {
  const { world, book, free } = setUp()
  const answering = Promise.withResolvers<SignedReservation>()
  const asked = book.reserve('a', provider, 7, () => answering.promise)
  expect(free()).toBe(slots - 7)
  answering.resolve(answer(reservation(1)))
  await asked
  book.replace('a', provider, [])
  expect(free()).toBe(slots - 7)
  book.replace('a', provider, [{ reservation: reservation(1), slots: 7 }])
  await world.advance(60_000)
  expect(free()).toBe(slots - 7)
  book.replace('a', provider, [])
  expect(free()).toBe(slots)
  await book.reserve('a', provider, 5, async () => answer(reservation(2)))
  expect(free()).toBe(slots - 5)
  await world.advance(60_000)
  expect(free()).toBe(slots)
  await expect(book.reserve('a', provider, 5, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(free()).toBe(slots)
})

test('what a node that is gone held stays held until whoever takes over its jobs has said so', async () => {
  const { world, book, free } = setUp()
  book.replace('a', provider, [
    { reservation: reservation(1), slots: 3 },
    { reservation: reservation(2), slots: 4 },
  ])
  book.keep(new Set(['b']))
  await world.advance(5_000)
  expect(free()).toBe(slots - 7)
  book.replace('b', provider, [{ reservation: reservation(1), slots: 3 }])
  await world.advance(60_000)
  expect(free()).toBe(slots - 3)
  book.forget(provider)
  expect(free()).toBe(slots)
})
