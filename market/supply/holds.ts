import type { Address, ReservationId } from '@muster/protocol'

/** Slots of a provider that this market asked for, reserved or leased. */
export interface Hold {
  /** The agent's answer: from now on its publications may have it counted. */
  name(reservation: ReservationId): void
  /** Ends the hold; again it changes nothing. */
  giveBack(): void
}

/** What this market holds of each provider, compared to what the provider had counted when it last published. */
export interface Holds {
  /** A named one that is held already is the same hold. */
  take(provider: Address, slots: number, reservation?: ReservationId): Hold
  /** Slots to add to what the provider published: given back meanwhile, less those taken meanwhile. */
  change(provider: Address): number
  /** Slots that are held of the provider. */
  held(provider: Address): number
  /** A link of the provider begins; nothing is counted yet. */
  linked(provider: Address): void
  unlinked(provider: Address): void
  /** The provider published, with these reservations counted. */
  counted(provider: Address, reservations: readonly ReservationId[]): void
}

interface Held {
  readonly slots: number
  reservation: ReservationId | undefined
}

interface OfProvider {
  isLinked: boolean
  readonly held: Set<Held>
  counted: ReadonlySet<ReservationId>
  /** Slots of holds that ended and that the provider still counts. */
  readonly returned: Map<ReservationId, number>
  /** The last that ended and are not counted: a publication that is under way may count them. */
  readonly recent: Map<ReservationId, number>
  /** What `change` gives: the returned, less those held and not counted. */
  change: number
}

const rememberedRecent = 256

const sum = (slots: Iterable<number>): number => {
  let total = 0
  for (const each of slots) total += each
  return total
}

const isCounted = ({ counted }: OfProvider, { reservation }: Held): boolean =>
  reservation !== undefined && counted.has(reservation)

const find = ({ held }: OfProvider, reservation: ReservationId): Held | undefined => {
  for (const one of held) if (one.reservation === reservation) return one
  return undefined
}

const remember = (of: OfProvider, reservation: ReservationId, slots: number): void => {
  if (of.counted.has(reservation)) {
    of.returned.set(reservation, slots)
    return
  }
  of.recent.set(reservation, slots)
  const [oldest] = of.recent.keys()
  if (of.recent.size > rememberedRecent && oldest !== undefined) of.recent.delete(oldest)
}

/** Works everything out again for what the provider counts now. */
const recount = (of: OfProvider, reservations: Iterable<ReservationId>): void => {
  const ended = [...of.returned, ...of.recent]
  of.counted = new Set(reservations)
  of.returned.clear()
  of.recent.clear()
  for (const [reservation, slots] of ended) remember(of, reservation, slots)
  of.change = sum(of.returned.values())
  for (const one of of.held) if (!isCounted(of, one)) of.change -= one.slots
}

/** `onChange` is called when a provider has more or fewer slots free than before. */
export const createHolds = (onChange: (provider: Address, isMore: boolean) => void): Holds => {
  const providers = new Map<Address, OfProvider>()

  const of = (provider: Address): OfProvider => {
    const known = providers.get(provider)
    if (known !== undefined) return known
    const made: OfProvider = {
      isLinked: false,
      held: new Set(),
      counted: new Set(),
      returned: new Map(),
      recent: new Map(),
      change: 0,
    }
    providers.set(provider, made)
    return made
  }

  const tidy = (provider: Address, { isLinked, held }: OfProvider): void => {
    if (!isLinked && held.size === 0) providers.delete(provider)
  }

  const drop = (all: OfProvider, one: Held): boolean => {
    if (!all.held.delete(one)) return false
    if (!isCounted(all, one)) all.change += one.slots
    return true
  }

  const handle = (provider: Address, one: Held): Hold => ({
    name: (reservation) => {
      const all = of(provider)
      if (!all.held.has(one) || one.reservation === reservation) return
      // Asked twice for the same, an agent answers twice with the same: it is held once.
      const isKnown = find(all, reservation) !== undefined
      if (isKnown) drop(all, one)
      else {
        one.reservation = reservation
        if (isCounted(all, one)) all.change += one.slots
      }
      if (isKnown || isCounted(all, one)) onChange(provider, true)
    },
    giveBack: () => {
      const all = of(provider)
      if (drop(all, one)) {
        if (one.reservation !== undefined) {
          remember(all, one.reservation, one.slots)
          if (isCounted(all, one)) all.change += one.slots
        }
        onChange(provider, true)
      }
      tidy(provider, all)
    },
  })

  return {
    take: (provider, slots, reservation) => {
      const all = of(provider)
      const known = reservation === undefined ? undefined : find(all, reservation)
      if (known !== undefined) return handle(provider, known)
      const one: Held = { slots, reservation }
      all.held.add(one)
      if (!isCounted(all, one)) all.change -= slots
      onChange(provider, false)
      return handle(provider, one)
    },
    change: (provider) => providers.get(provider)?.change ?? 0,
    held: (provider) => sum([...(providers.get(provider)?.held ?? [])].map(({ slots }) => slots)),
    linked: (provider) => {
      const all = of(provider)
      all.isLinked = true
      all.recent.clear()
      all.returned.clear()
      recount(all, [])
    },
    unlinked: (provider) => {
      const all = of(provider)
      all.isLinked = false
      all.recent.clear()
      all.returned.clear()
      recount(all, [])
      tidy(provider, all)
    },
    counted: (provider, reservations) => recount(of(provider), reservations),
  }
}
