import {
  freeCapacity,
  newId,
  signBatch,
  slotsThatFit,
  type Address,
  type Offer,
  type OfferId,
  type RuntimeKind,
  type SignedOffer,
  type Timer,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'

/** The agent's standing offers: one for each market and runtime with a price, under an id that stays while it runs. */
export interface OfferDesk {
  /** Signs and sends all offers to this market now. */
  publish(market: Address): void
  /** Says that what is free may not be what markets think; they hear of it within `offerDebounceMs`. */
  changed(): void
  /** The offer, if it is one of ours for this market and has not expired. */
  find(market: Address, id: OfferId, now: number): Offer | undefined
  stop(): void
}

type DeskContext = Pick<AgentContext, 'options' | 'world' | 'signer' | 'book' | 'workloads' | 'markets' | 'log'>

const slotsOnSale = ({ options, book }: DeskContext, now: number): number =>
  book.door === null ? Math.min(options.maxSlots, slotsThatFit(freeCapacity(book.capacity, now), options.slot)) : 0

export const createOfferDesk = (context: DeskContext): OfferDesk => {
  const { options, world, signer, workloads, markets } = context
  const issued = new Map<OfferId, SignedOffer>()
  const ids = new Map<string, OfferId>()
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
    markets.send(market, { type: 'offers', offers })
  }

  const publishAll = (): void => markets.addresses.forEach(publish)

  const renew = (): void => {
    renewal = world.after(options.offerTtlMs / 2, () => {
      publishAll()
      renew()
    })
  }
  renew()

  return {
    publish,
    changed: () => {
      if (isStopped || change !== null) return
      change = world.after(options.offerDebounceMs, () => {
        change = null
        publishAll()
      })
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
