import fc from 'fast-check'
import { newId, type AgentPeer, type ReservationId, type SignedOffer } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import type { Hold } from './holds.ts'
import { createSupply } from './supply.ts'
import { testOffer, testProvider } from './test-offer.ts'

const provider = `0x${'1'.repeat(40)}` as AgentPeer['provider']
const peer = { provider, epoch: 1 } as AgentPeer

const setUp = () => {
  const world = createVirtualWorld()
  const supply = createSupply(world)
  const id = newId(world, 'offer')
  const offer = (slots: number): SignedOffer => testOffer({ id, provider, slots })
  const publish = (slots: number, counted: readonly ReservationId[] = []) =>
    supply.replace(peer, { offers: [offer(slots)], counted: [...counted] })
  const free = () => supply.freeSlots(offer(0))
  supply.link(peer)
  return { world, supply, publish, free, offer }
}

describe('what is free of a provider', () => {
  test('is what it published, less what was taken since, and counts what comes back at once', () => {
    const { supply, publish, free } = setUp()
    publish(4)
    const hold = supply.take(provider, 3)
    expect(free()).toBe(1)
    hold.giveBack()
    hold.giveBack()
    expect(free()).toBe(4)
  })

  test('does not change with a publication that is older than what the market knows', () => {
    const { world, supply, publish, free } = setUp()
    publish(4)
    const hold = supply.take(provider, 3)
    publish(4)
    expect(free()).toBe(1)
    const reservation = newId(world, 'reservation')
    hold.name(reservation)
    publish(1, [reservation])
    expect(free()).toBe(1)
    hold.giveBack()
    expect(free()).toBe(4)
    publish(1, [reservation])
    expect(free()).toBe(4)
    publish(4)
    expect(free()).toBe(4)
  })

  test('is not counted twice for a lease that is taken up again', () => {
    const { world, supply, publish, free } = setUp()
    const reservation = newId(world, 'reservation')
    const [first, again] = [supply.take(provider, 2, reservation), supply.take(provider, 2, reservation)]
    publish(4)
    expect(free()).toBe(2)
    first.giveBack()
    again.giveBack()
    expect(free()).toBe(4)
  })

  test('is not counted twice where an agent gave two askers the same reservation', () => {
    const { world, supply, publish, free } = setUp()
    publish(4)
    const reservation = newId(world, 'reservation')
    const [first, second] = [supply.take(provider, 2), supply.take(provider, 2)]
    expect(free()).toBe(0)
    first.name(reservation)
    second.name(reservation)
    expect(free()).toBe(2)
    second.giveBack()
    expect(free()).toBe(2)
    first.giveBack()
    expect(free()).toBe(4)
  })

  test('stays right however many leases come and go before the next publication', () => {
    const { world, supply, publish, free } = setUp()
    publish(4)
    const counted = [1, 2, 3, 4].map(() => newId(world, 'reservation'))
    const holds = counted.map((reservation) => supply.take(provider, 1, reservation))
    publish(0, counted)
    for (const hold of holds) hold.giveBack()
    expect(free()).toBe(4)
    for (let lease = 0; lease < 1_000; lease++) {
      const hold = supply.take(provider, 1)
      hold.name(newId(world, 'reservation'))
      hold.giveBack()
      expect(free()).toBe(4)
    }
  })

  test('tells who waits when it grows, and nobody when it shrinks', () => {
    const { supply, publish } = setUp()
    let freed = 0
    publish(1)
    supply.onFreed(() => freed++)
    const hold = supply.take(provider, 1)
    expect([freed, supply.hasFree()]).toEqual([0, false])
    hold.giveBack()
    expect([freed, supply.hasFree()]).toEqual([1, true])
  })

  test('is nothing while an offer stands aside, and forgotten with the link', async () => {
    const { world, supply, publish, free, offer } = setUp()
    publish(4)
    supply.standAside(provider, offer(4).record.id)
    expect(free()).toBe(0)
    await world.advance(5_000)
    expect(free()).toBe(4)
    supply.take(provider, 1)
    supply.unlink(peer)
    expect([free(), supply.hasFree()]).toEqual([0, false])
    supply.link(peer)
    publish(4)
    expect(free()).toBe(3)
  })

  test.each([
    ['linked here', false],
    ['linked to another node', true],
  ])(
    'is nothing while a provider %s rests, longer each time, until its breaches are long ago',
    async (_, isElsewhere) => {
      const { world, supply, publish } = setUp()
      if (isElsewhere) supply.unlink(peer)
      else publish(4)
      const { id } = testOffer({ id: newId(world, 'offer'), provider }).record
      const restMs = async (): Promise<number> => {
        const from = world.elapsed()
        supply.rest(provider)
        while (supply.isResting(provider)) await world.advance(1_000)
        return world.elapsed() - from
      }
      expect([await restMs(), await restMs(), await restMs()]).toEqual([5_000, 10_000, 20_000])
      for (let refusals = 0; refusals < 2; refusals++) supply.refuse(provider, id)
      await world.advance(1_200_000)
      supply.refuse(testOffer({ id, provider: testProvider(2) }).record.provider, id)
      supply.refuse(provider, id)
      expect(supply.isResting(provider)).toBe(false)
      expect(await restMs()).toBe(5_000)
    },
  )

  test('is nothing after the third refusal in a row, also where the agent linked anew between them', () => {
    const { world, supply, publish } = setUp()
    const { id } = testOffer({ id: newId(world, 'offer'), provider }).record
    for (let epoch = 2; epoch <= 4; epoch++) {
      expect(supply.isResting(provider)).toBe(false)
      supply.refuse(provider, id)
      supply.unlink(supply.peer(provider) ?? peer)
      supply.link({ provider, epoch } as AgentPeer)
    }
    expect(supply.isResting(provider)).toBe(true)
    publish(4)
    expect([...supply.free()]).toEqual([])
  })

  /**
   * An agent with a capacity, and a market that reserves and releases; messages of each come late, in order on their own
   * way. Once all have arrived and the agent published, both know the same.
   */
  test('is what the agent knows once every message has arrived, in whatever order', () => {
    const capacity = 8
    const step = fc.oneof(
      fc.record({ type: fc.constant('reserve' as const), slots: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ type: fc.constant('release' as const), which: fc.nat() }),
      fc.record({ type: fc.constant('publish' as const) }),
      fc.record({ type: fc.constant('deliver' as const), way: fc.nat({ max: 2 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { world, supply, publish, free } = setUp()
        const reserved = new Map<ReservationId, number>()
        const holds = new Map<ReservationId, Hold>()
        const ways: [(() => void)[], (() => void)[], (() => void)[]] = [[], [], []]
        const [offers, answers, releases] = ways
        const agentFree = () => capacity - [...reserved.values()].reduce((sum, slots) => sum + slots, 0)
        const agentPublishes = () => {
          const [slots, counted] = [agentFree(), [...reserved.keys()]]
          offers.push(() => publish(slots, counted))
        }
        agentPublishes()
        offers.shift()?.()
        for (const each of steps) {
          if (each.type === 'publish') agentPublishes()
          else if (each.type === 'deliver') ways[each.way]?.shift()?.()
          else if (each.type === 'reserve' && free() >= each.slots && agentFree() >= each.slots) {
            const hold = supply.take(provider, each.slots)
            const id = newId(world, 'reservation')
            reserved.set(id, each.slots)
            answers.push(() => {
              hold.name(id)
              holds.set(id, hold)
            })
          } else if (each.type === 'release' && holds.size > 0) {
            const [id, hold] = [...holds][each.which % holds.size] ?? []
            if (id === undefined) continue
            holds.delete(id)
            releases.push(() => void reserved.delete(id))
            hold?.giveBack()
          }
          expect(free()).toBeGreaterThanOrEqual(0)
          expect(free()).toBeLessThanOrEqual(capacity)
        }
        for (const way of [answers, releases, offers]) while (way.length > 0) way.shift()?.()
        expect(free()).toBe(agentFree())
        agentPublishes()
        offers.shift()?.()
        expect(free()).toBe(agentFree())
      }),
    )
  })
})
