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
  /** The provider published, with these reservations counted. */
  counted(provider: Address, reservations: readonly ReservationId[]): void
  /** What it counted means nothing any more: its link is gone. */
  forgetCounted(provider: Address): void
}

interface Held {
  readonly slots: number
  reservation: ReservationId | undefined
}

interface OfProvider {
  readonly held: Set<Held>
  counted: ReadonlySet<ReservationId>
  /** Slots of the last holds that ended: a publication that is under way may still have them counted. */
  readonly returned: Map<ReservationId, number>
}

const rememberedReturns = 256

const sum = (slots: Iterable<number>): number => {
  let total = 0
  for (const each of slots) total += each
  return total
}

/** `onChange` is called when a provider has more or fewer slots free than before. */
export const createHolds = (onChange: (provider: Address, isMore: boolean) => void): Holds => {
  const providers = new Map<Address, OfProvider>()

  const of = (provider: Address): OfProvider => {
    const known = providers.get(provider)
    if (known !== undefined) return known
    const made: OfProvider = { held: new Set(), counted: new Set(), returned: new Map() }
    providers.set(provider, made)
    return made
  }

  const find = ({ held }: OfProvider, reservation: ReservationId): Held | undefined => {
    for (const one of held) if (one.reservation === reservation) return one
    return undefined
  }

  const isCounted = ({ counted }: OfProvider, { reservation }: Held): boolean =>
    reservation !== undefined && counted.has(reservation)

  const remember = ({ returned }: OfProvider, reservation: ReservationId, slots: number): void => {
    returned.set(reservation, slots)
    const [oldest] = returned.keys()
    if (returned.size > rememberedReturns && oldest !== undefined) returned.delete(oldest)
  }

  const handle = (provider: Address, one: Held): Hold => ({
    name: (reservation) => {
      const all = of(provider)
      // Asked twice for the same, an agent answers twice with the same: it is held once.
      const isKnown = find(all, reservation) !== undefined
      if (isKnown) all.held.delete(one)
      else one.reservation = reservation
      if (isKnown || isCounted(all, one)) onChange(provider, true)
    },
    giveBack: () => {
      const all = of(provider)
      if (!all.held.delete(one)) return
      if (one.reservation !== undefined) remember(all, one.reservation, one.slots)
      onChange(provider, true)
    },
  })

  return {
    take: (provider, slots, reservation) => {
      const all = of(provider)
      const known = reservation === undefined ? undefined : find(all, reservation)
      if (known !== undefined) return handle(provider, known)
      const one: Held = { slots, reservation }
      all.held.add(one)
      onChange(provider, false)
      return handle(provider, one)
    },
    change: (provider) => {
      const all = providers.get(provider)
      if (all === undefined) return 0
      const taken = [...all.held].filter((one) => !isCounted(all, one)).map(({ slots }) => slots)
      const returned = [...all.returned].filter(([reservation]) => all.counted.has(reservation))
      return sum(returned.map(([, slots]) => slots)) - sum(taken)
    },
    held: (provider) => sum([...(providers.get(provider)?.held ?? [])].map(({ slots }) => slots)),
    counted: (provider, reservations) => {
      of(provider).counted = new Set(reservations)
    },
    forgetCounted: (provider) => {
      const all = providers.get(provider)
      if (all === undefined) return
      if (all.held.size === 0) providers.delete(provider)
      all.counted = new Set()
      all.returned.clear()
    },
  }
}
