import {
  freeCapacity,
  newId,
  signBatch,
  slotsThatFit,
  type Address,
  type Offer,
  type OfferId,
  type Reservation,
  type RuntimeKind,
  type SignedOffer,
  type Timer,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'

/** The agent's standing offers: one for each market and runtime with a price, under an id that stays while it runs. */
export interface OfferDesk {
  /** Signs and sends all offers to this market now. */
  publish(market: Address): void
  /** Says that what is free may not be what markets think; those that cannot know hear of it within `offerDebounceMs`. */
  changed(): void
  /** The same of a market that asked for what is not there: it hears of it in any case. */
  mistaken(market: Address): void
  /** The offer, if it is one of ours for this market and has not expired. */
  find(market: Address, id: OfferId, now: number): Offer | undefined
  stop(): void
}

type DeskContext = Pick<AgentContext, 'options' | 'world' | 'signer' | 'book' | 'workloads' | 'markets' | 'log'>

const slotsOnSale = ({ options, book }: DeskContext, now: number): number =>
  book.door === null ? Math.min(options.maxSlots, slotsThatFit(freeCapacity(book.capacity, now), options.slot)) : 0

/** This market's own reservations, which the slots on sale leave out. */
const reservedFor = ({ book }: DeskContext, market: Address): Reservation[] =>
  [...book.reservations.values()].map(({ signed }) => signed.record).filter((record) => record.market === market)

export const createOfferDesk = (context: DeskContext): OfferDesk => {
  const { options, world, signer, workloads, markets } = context
  const issued = new Map<OfferId, SignedOffer>()
  const ids = new Map<string, OfferId>()
  const published = new Map<Address, number>()
  let change: Timer | null = null
  let renewal: Timer | null = null
  let isStopped = false

  const idOf = (market: Address, runtime: RuntimeKind): OfferId => {
    const key = `${market} ${runtime}`
    const known = ids.get(key)
    if (known !== undefined) return known
    const id = newId(world, 'offer')
    ids.set(key, id)
    return id
  }

  const makeOffers = (market: Address, now: number): Offer[] => {
    const offers: Offer[] = []
    for (const [runtime, price] of options.prices) {
      const workload = workloads.get(runtime)
      if (workload === undefined) continue
      offers.push({
        kind: 'offer',
        id: idOf(market, runtime),
        market,
        provider: signer.address,
        resources: options.slot,
        slots: slotsOnSale(context, now),
        runtimes: [runtime],
        execSpec: workload.execSpec,
        gpus: [...options.gpus],
        region: options.region,
        country: options.country,
        attributes: { ...options.attributes },
        price,
        issuedAt: now,
        expiresAt: now + options.offerTtlMs,
      })
    }
    return offers
  }

  const publish = (market: Address): void => {
    if (isStopped || !markets.isLinked(market)) return
    const now = world.now()
    const offers = signBatch(signer, domainOf(context, market), makeOffers(market, now))
    for (const offer of offers) issued.set(offer.record.id, offer)
    published.set(market, slotsFor(market, now))
    markets.send(market, { type: 'offers', offers, counted: reservedFor(context, market).map(({ id }) => id) })
  }

  /** Slots that the market has or could have. */
  const slotsFor = (market: Address, now: number): number =>
    reservedFor(context, market).reduce((sum, { slots }) => sum + slots, slotsOnSale(context, now))

  /** A market keeps count of what it takes and gives back itself, and hears of what others do. */
  const publishChanged = (): void => {
    const now = world.now()
    for (const market of markets.addresses) if (published.get(market) !== slotsFor(market, now)) publish(market)
  }

  const renew = (): void => {
    renewal = world.after(options.offerTtlMs / 2, () => {
      markets.addresses.forEach(publish)
      renew()
    })
  }
  renew()

  const changed = (): void => {
    if (isStopped || change !== null) return
    change = world.after(options.offerDebounceMs, () => {
      change = null
      publishChanged()
    })
  }

  return {
    publish,
    changed,
    mistaken: (market) => {
      published.delete(market)
      changed()
    },
    find: (market, id, now) => {
      const offer = issued.get(id)?.record
      return offer !== undefined && offer.market === market && offer.expiresAt > now ? offer : undefined
    },
    stop: () => {
      isStopped = true
      change?.cancel()
      renewal?.cancel()
    },
  }
}
