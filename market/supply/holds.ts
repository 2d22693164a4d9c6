import type { Address, ReservationId } from '@muster/protocol'

/** Slots of a provider that this market asked for, reserved or leased. */
export interface Hold {
  /** The agent's answer: from now on its publications may have it counted. */
  name(reservation: ReservationId): void
  /** Holds this many slots from now on, where that is fewer. */
  shrink(slots: number): void
  /** Ends the hold; again it changes nothing. */
  giveBack(): void
}

/** What this market holds of each provider, compared to what the provider had counted when it last published. */
export interface Holds {
  /** A named one that is held already is the same hold. */
  take(provider: Address, slots: number, reservation?: ReservationId): Hold
  /** Slots that are held of the provider. */
  held(provider: Address): number
  /** A link of the provider begins; nothing is counted yet. Gives what is held of it, as it changes, until the link ends. */
  linked(provider: Address): { readonly change: number }
  unlinked(provider: Address): void
  /** The provider published, with these reservations counted. */
  counted(provider: Address, reservations: readonly ReservationId[]): void
}

interface Held {
  slots: number
  reservation: ReservationId | undefined
}

/** What is held of one provider. Most hold nothing: their collections are made when there is something in them. */
interface OfProvider {
  isLinked: boolean
  held: Set<Held> | undefined
  counted: ReadonlySet<ReservationId> | undefined
  /** Slots of holds that ended and that the provider still counts. */
  returned: Map<ReservationId, number> | undefined
  /** The last that ended and are not counted: a publication that is under way may count them. */
  recent: Map<ReservationId, number> | undefined
  /** What `change` gives: the returned, less those held and not counted. */
  change: number
}

const rememberedRecent = 256

const sumOf = (slots: ReadonlyMap<ReservationId, number> | undefined): number => sum(slots?.values() ?? [])

const sum = (slots: Iterable<number>): number => {
  let total = 0
  for (const each of slots) total += each
  return total
}

const isCounted = ({ counted }: OfProvider, { reservation }: Held): boolean =>
  reservation !== undefined && counted?.has(reservation) === true

const find = ({ held }: OfProvider, reservation: ReservationId): Held | undefined => {
  for (const one of held ?? []) if (one.reservation === reservation) return one
  return undefined
}

const remember = (of: OfProvider, reservation: ReservationId, slots: number): void => {
  if (of.counted?.has(reservation) === true) {
    of.returned = (of.returned ?? new Map()).set(reservation, slots)
    return
  }
  of.recent = (of.recent ?? new Map()).set(reservation, slots)
  const [oldest] = of.recent.keys()
  if (of.recent.size > rememberedRecent && oldest !== undefined) of.recent.delete(oldest)
}

/** Works everything out again for what the provider counts now. */
const recount = (of: OfProvider, reservations: readonly ReservationId[]): void => {
  const ended = [...(of.returned ?? []), ...(of.recent ?? [])]
  of.counted = reservations.length === 0 ? undefined : new Set(reservations)
  of.returned = undefined
  of.recent = undefined
  for (const [reservation, slots] of ended) remember(of, reservation, slots)
  of.change = sumOf(of.returned)
  for (const one of of.held ?? []) if (!isCounted(of, one)) of.change -= one.slots
}

/** `onChange` is called when a provider has more or fewer slots free than before. */
export const createHolds = (onChange: (provider: Address, isMore: boolean) => void): Holds => {
  const providers = new Map<Address, OfProvider>()

  const of = (provider: Address): OfProvider => {
    const known = providers.get(provider)
    if (known !== undefined) return known
    const made: OfProvider = {
      isLinked: false,
      held: undefined,
      counted: undefined,
      returned: undefined,
      recent: undefined,
      change: 0,
    }
    providers.set(provider, made)
    return made
  }

  const tidy = (provider: Address, { isLinked, held }: OfProvider): void => {
    if (!isLinked && (held?.size ?? 0) === 0) providers.delete(provider)
  }

  const drop = (all: OfProvider, one: Held): boolean => {
    if (all.held?.delete(one) !== true) return false
    if (all.held.size === 0) all.held = undefined
    if (!isCounted(all, one)) all.change += one.slots
    return true
  }

  const handle = (provider: Address, one: Held): Hold => ({
    name: (reservation) => {
      const all = of(provider)
      if (all.held?.has(one) !== true || one.reservation === reservation) return
      // Asked twice for the same, an agent answers twice with the same: it is held once.
      const isKnown = find(all, reservation) !== undefined
      if (isKnown) drop(all, one)
      else {
        one.reservation = reservation
        if (isCounted(all, one)) all.change += one.slots
      }
      if (isKnown || isCounted(all, one)) onChange(provider, true)
    },
    shrink: (slots) => {
      const all = of(provider)
      if (all.held?.has(one) !== true || slots >= one.slots) return
      // Of what the provider counts it says itself what is free.
      if (!isCounted(all, one)) all.change += one.slots - slots
      one.slots = slots
      onChange(provider, true)
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
      all.held = (all.held ?? new Set()).add(one)
      if (!isCounted(all, one)) all.change -= slots
      onChange(provider, false)
      return handle(provider, one)
    },
    held: (provider) => sum([...(providers.get(provider)?.held ?? [])].map(({ slots }) => slots)),
    linked: (provider) => {
      const all = of(provider)
      all.isLinked = true
      all.recent = undefined
      all.returned = undefined
      recount(all, [])
      return all
    },
    unlinked: (provider) => {
      const all = of(provider)
      all.isLinked = false
      all.recent = undefined
      all.returned = undefined
      recount(all, [])
      tidy(provider, all)
    },
    counted: (provider, reservations) => recount(of(provider), reservations),
  }
}
