import type { Address, ReservationId, SignedReservation, World } from '@muster/protocol'
import type { NodeId } from '../store/node-store.ts'
import type { Hold } from '../supply/holds.ts'
import type { Supply } from '../supply/supply.ts'
import type { HeldReservation } from './hop/hop.ts'

/** What other nodes hold of the agents linked here, so that no slot is asked for twice in vain. */
export interface HoldBook {
  /** Makes a call for slots in another node's name. */
  reserve(
    from: NodeId,
    provider: Address,
    slots: number,
    ask: () => Promise<SignedReservation>,
  ): Promise<SignedReservation>
  /** All that the node holds of the provider now. */
  replace(from: NodeId, provider: Address, held: readonly HeldReservation[]): void
  /** The provider's link here is over, or a new one begins: whoever holds something of it says so again to where it is linked. */
  forget(provider: Address): void
  /** The agent gave the slots of a reservation back. */
  release(provider: Address, reservation: ReservationId): void
  /** The nodes that are up: what others held is given back, once whoever took over their jobs had time to say so. */
  keep(nodes: ReadonlySet<NodeId>): void
}

interface Entry {
  readonly hold: Hold
  readonly nodes: Set<NodeId>
  /** `elapsed` until which the node that asked need not have named it. */
  unnamedUntil: number
}

/** Longer than a reservation waits for its lease, and a job for its next owner. */
const patienceMs = 15_000

export const createHoldBook = (supply: Pick<Supply, 'take'>, world: World): HoldBook => {
  const providers = new Map<Address, Map<ReservationId, Entry>>()

  const of = (provider: Address): Map<ReservationId, Entry> => {
    const known = providers.get(provider) ?? new Map<ReservationId, Entry>()
    providers.set(provider, known)
    return known
  }

  const drop = (provider: Address, reservation: ReservationId): void => {
    const entries = of(provider)
    entries.get(reservation)?.hold.giveBack()
    entries.delete(reservation)
    if (entries.size === 0) providers.delete(provider)
  }

  const leave = (provider: Address, reservation: ReservationId, entry: Entry, node: NodeId): void => {
    entry.nodes.delete(node)
    if (entry.nodes.size === 0) drop(provider, reservation)
  }

  return {
    reserve: async (from, provider, slots, ask) => {
      const hold = supply.take(provider, slots)
      try {
        const answer = await ask()
        const { id } = answer.record
        hold.name(id)
        const entry = of(provider).get(id) ?? { hold, nodes: new Set(), unnamedUntil: 0 }
        entry.nodes.add(from)
        entry.unnamedUntil = world.elapsed() + patienceMs
        of(provider).set(id, entry)
        world.after(patienceMs, () => {
          const isUnnamed = entry.unnamedUntil !== 0 && providers.get(provider)?.get(id) === entry
          if (isUnnamed) leave(provider, id, entry, from)
        })
        return answer
      } catch (error) {
        hold.giveBack()
        throw error
      }
    },
    replace: (from, provider, held) => {
      const named = new Map(held.map(({ reservation, slots }) => [reservation, slots]))
      for (const [reservation, entry] of [...of(provider)]) {
        if (named.has(reservation)) entry.unnamedUntil = 0
        else if (entry.nodes.has(from) && entry.unnamedUntil <= world.elapsed())
          leave(provider, reservation, entry, from)
      }
      for (const [reservation, slots] of named) {
        const entries = of(provider)
        const entry = entries.get(reservation)
        if (entry !== undefined) {
          entry.nodes.add(from)
          entry.hold.shrink(slots)
        } else
          entries.set(reservation, {
            hold: supply.take(provider, slots, reservation),
            nodes: new Set([from]),
            unnamedUntil: 0,
          })
      }
      if (providers.get(provider)?.size === 0) providers.delete(provider)
    },
    forget: (provider) => {
      for (const reservation of [...(providers.get(provider)?.keys() ?? [])]) drop(provider, reservation)
    },
    release: (provider, reservation) => {
      if (providers.get(provider)?.has(reservation) === true) drop(provider, reservation)
    },
    keep: (nodes) => {
      const gone = new Set<NodeId>()
      for (const entries of providers.values())
        for (const entry of entries.values()) for (const node of entry.nodes) if (!nodes.has(node)) gone.add(node)
      if (gone.size === 0) return
      world.after(patienceMs, () => {
        for (const [provider, entries] of [...providers])
          for (const [reservation, entry] of [...entries])
            for (const node of [...entry.nodes]) if (gone.has(node)) leave(provider, reservation, entry, node)
      })
    },
  }
}
