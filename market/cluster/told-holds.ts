import type { Address, Log, ReservationId, World } from '@muster/protocol'
import type { NodeRow } from '../store/node-store.ts'
import type { Supply } from '../supply/supply.ts'
import type { HeldReservation, Hop } from './hop/hop.ts'

/** Tells the nodes where agents are linked what this node's jobs hold of them: all of a provider at once, when it changes. */
export interface ToldHolds {
  readonly take: Supply['take']
  /** The provider is linked to another node than before. */
  again(provider: Address): void
  /** Tells again what could not be told. */
  retry(): void
}

export interface ToldHoldsModules {
  readonly world: World
  readonly supply: Supply
  readonly hop: Hop
  /** Where a provider is linked, unless it is here. */
  readonly nodeOf: (provider: Address) => NodeRow | undefined
  readonly log: Log
}

const togetherMs = 5
const timeoutMs = 2_000

export const createToldHolds = ({ world, supply, hop, nodeOf, log }: ToldHoldsModules): ToldHolds => {
  const held = new Map<Address, Map<ReservationId, number>>()
  const due = new Set<Address>()
  /** Of these some node was told that something is held. */
  const told = new Set<Address>()
  /** Of these some node is being told: a second call could come in before the first. */
  const telling = new Set<Address>()
  let isPlanned = false

  const tell = async (provider: Address, node: NodeRow): Promise<void> => {
    const all: HeldReservation[] = [...(held.get(provider) ?? [])].map(([reservation, slots]) => ({
      reservation,
      slots,
    }))
    if (all.length > 0) told.add(provider)
    telling.add(provider)
    try {
      await hop.call(node, 'holds', { provider, held: all }, timeoutMs)
      if (all.length === 0 && !held.has(provider)) told.delete(provider)
      if (due.has(provider)) later()
    } catch (error) {
      due.add(provider)
      log.debug('could not tell a node what is held of an agent', { node: node.name, provider, error })
    } finally {
      telling.delete(provider)
    }
  }

  const flush = (): void => {
    isPlanned = false
    const now = [...due]
    due.clear()
    for (const provider of now) {
      const node = nodeOf(provider)
      if (node === undefined) continue
      if (telling.has(provider)) due.add(provider)
      else void tell(provider, node)
    }
  }

  const later = (): void => {
    if (isPlanned) return
    isPlanned = true
    world.after(togetherMs, flush)
  }

  const change = (provider: Address, reservation: ReservationId, slots: number | undefined): void => {
    const all = held.get(provider) ?? new Map<ReservationId, number>()
    held.set(provider, all)
    if (slots === undefined) all.delete(reservation)
    else all.set(reservation, slots)
    if (all.size === 0) held.delete(provider)
    due.add(provider)
    later()
  }

  return {
    take: (provider, slots, reservation) => {
      const hold = supply.take(provider, slots, reservation)
      let named = reservation
      if (named !== undefined) change(provider, named, slots)
      return {
        name: (given) => {
          hold.name(given)
          named = given
          change(provider, given, slots)
        },
        shrink: (fewer) => {
          hold.shrink(fewer)
          if (named !== undefined) change(provider, named, Math.min(slots, fewer))
        },
        giveBack: () => {
          hold.giveBack()
          if (named !== undefined) change(provider, named, undefined)
          named = undefined
        },
      }
    },
    again: (provider) => {
      if (!held.has(provider) && !told.has(provider)) return
      due.add(provider)
      later()
    },
    retry: () => {
      if (due.size > 0) later()
    },
  }
}
