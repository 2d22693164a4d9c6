import type { Address, AgentPeer, ReservationId, World } from '@muster/protocol'
import { createSupply } from '@muster/market'
import type { Award, Book } from './book.ts'

interface Held {
  readonly peer: AgentPeer
  readonly reservations: ReservationId[]
  slots: number
}

const mostAsked = 64

/** The market's own supply, as its auctions use it: an award is a hold that is named once the agent has answered. */
export const createMusterBook = (world: World): Book => {
  const supply = createSupply(world)
  const linked = new Map<Address, Held>()
  let named = 0

  const linkOf = (provider: Address): Held => {
    const known = linked.get(provider)
    if (known !== undefined) return known
    const made = { peer: { provider, epoch: 1 } as AgentPeer, reservations: [], slots: 0 }
    linked.set(provider, made)
    supply.link(made.peer)
    return made
  }

  return {
    publish: ({ provider, slots, offers }) => {
      const held = linkOf(provider)
      const free = Math.max(0, slots - held.slots)
      supply.replace(held.peer, {
        offers: offers.map((offer) => ({ record: { ...offer, slots: free }, signature: '0x' })),
        counted: [...held.reservations],
      })
    },
    order: (demand) => {
      const awards: Award[] = []
      let left = demand.slots
      const limit = Math.min(mostAsked, demand.slots)
      for (let page = supply.cheapest(demand, { limit }); ;) {
        for (const offer of page) {
          const { provider, id } = offer.record
          const slots = Math.min(left, supply.freeSlots(offer))
          if (slots === 0) continue
          const reservation = `rsv_${String(++named).padStart(26, '0')}` as ReservationId
          supply.take(provider, slots).name(reservation)
          const held = linkOf(provider)
          held.reservations.push(reservation)
          held.slots += slots
          awards.push({ offer: id, slots })
          left -= slots
          if (left === 0) return awards
        }
        const after = page.at(-1)
        if (after === undefined || page.length < limit) return awards
        page = supply.cheapest(demand, { limit, after })
      }
    },
  }
}
