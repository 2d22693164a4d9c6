import {
  signBatch,
  type Address,
  type Maintenance,
  type Offer,
  type OfferId,
  type Reservation,
  type ReservationId,
  type SignedOffer,
  type Timer,
} from '@muster/protocol'
import { domainOf, type AgentContext } from '../context.ts'
import { createStandingPrices, type StandingPrice } from './standing-prices.ts'
import { slotsLeft } from '../reservation/slots-left.ts'

/** The agent's standing offers: one for each market, runtime and unit with a price, under an id that stays as long as the price does. */
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

type DeskContext = Pick<
  AgentContext,
  | 'options'
  | 'world'
  | 'signer'
  | 'book'
  | 'workloads'
  | 'markets'
  | 'marketRecords'
  | 'pricing'
  | 'maintenance'
  | 'log'
>

const slotsOnSale = (context: DeskContext, market: Address, now: number): number =>
  context.book.door === null && !context.maintenance.isUnder() ? slotsLeft(context, market, now) : 0

const mostAttestations = 8

/** What an offer says of its machine where the owner said it, and what auditors say of the provider to this market. */
const claimsOf = (
  { options, signer }: DeskContext,
  market: Address,
  now: number,
): Pick<Offer, 'network' | 'gflops' | 'operator' | 'attestations'> => {
  const attestations = options.attestations
    .filter(({ record }) => record.market === market && record.provider === signer.address && record.expiresAt > now)
    .slice(0, mostAttestations)
  return {
    ...(options.network === null ? {} : { network: options.network }),
    ...(options.gflops === null ? {} : { gflops: options.gflops }),
    ...(options.operator === null ? {} : { operator: options.operator }),
    ...(attestations.length === 0 ? {} : { attestations }),
  }
}

/** How long a market may go by its own count before it hears ours. */
const refreshMs = 2_000

/** What a market was last told. */
interface Published {
  readonly offers: readonly OfferId[]
  /** Slots that it has or could have. */
  readonly slots: number
  readonly counted: readonly ReservationId[]
  readonly maintenance: readonly Maintenance[]
}

const isSame = <Id>(a: readonly Id[], b: readonly Id[]): boolean =>
  a.length === b.length && a.every((id, index) => b[index] === id)

/** This market's own reservations, which the slots on sale leave out. */
const reservedFor = ({ book }: DeskContext, market: Address): Reservation[] =>
  [...book.reservations.values()].map(({ signed }) => signed.record).filter((record) => record.market === market)

export const createOfferDesk = (context: DeskContext): OfferDesk => {
  const { options, world, signer, workloads, markets } = context
  const standing = createStandingPrices(context, () => changed())
  const issued = new Map<OfferId, SignedOffer>()
  const published = new Map<Address, Published>()
  let change: Timer | null = null
  let refresh: Timer | null = null
  let renewal: Timer | null = null
  let isStopped = false

  /** One that the agent is leaving is offered nothing. */
  const pricesFor = (market: Address): readonly StandingPrice[] => (markets.isOpen(market) ? standing.of(market) : [])

  const makeOffers = (market: Address, now: number): Offer[] => {
    const offers: Offer[] = []
    const maintenance = context.maintenance.windows()
    for (const { id, runtime, price, term } of pricesFor(market)) {
      const workload = workloads.get(runtime)
      if (workload === undefined) continue
      offers.push({
        kind: 'offer',
        id,
        market,
        provider: signer.address,
        resources: options.slot,
        slots: slotsOnSale(context, market, now),
        runtimes: [runtime],
        execSpec: workload.execSpec,
        gpus: [...options.gpus],
        region: options.region,
        country: options.country,
        attributes: { ...options.attributes },
        ...claimsOf(context, market, now),
        ...(term === undefined ? {} : { term }),
        ...(maintenance.length === 0 ? {} : { maintenance: [...maintenance] }),
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
    for (const [id, { record }] of issued) if (record.expiresAt <= now) issued.delete(id)
    for (const offer of offers) issued.set(offer.record.id, offer)
    const counted = countedFor(market)
    published.set(market, {
      offers: offers.map(({ record }) => record.id),
      slots: slotsFor(market, now),
      counted,
      maintenance: context.maintenance.windows(),
    })
    markets.send(market, { type: 'offers', offers, counted: [...counted] })
  }

  const countedFor = (market: Address): readonly ReservationId[] => reservedFor(context, market).map(({ id }) => id)

  const slotsFor = (market: Address, now: number): number =>
    reservedFor(context, market).reduce((sum, { slots }) => sum + slots, slotsOnSale(context, market, now))

  /**
   * A market keeps count of what it takes and gives back itself, and hears at once of what others do. What ended without
   * it, such as a reservation whose answer was lost, it hears of a little later.
   */
  const publishChanged = (): void => {
    const now = world.now()
    for (const market of markets.addresses)
      if (published.get(market)?.slots !== slotsFor(market, now) || isRepriced(market) || isRescheduled(market))
        publish(market)
    if (markets.addresses.some(isBehind)) refresh ??= world.after(refreshMs, publishRefreshed)
  }

  /** What the policy asks now is not what the market was told; an id never changes its price. */
  const isRepriced = (market: Address): boolean =>
    markets.isLinked(market) &&
    !isSame(
      published.get(market)?.offers ?? [],
      pricesFor(market).map(({ id }) => id),
    )

  /** Maintenance is announced that the market was not told of, or called off. */
  const isRescheduled = (market: Address): boolean =>
    markets.isLinked(market) &&
    JSON.stringify(published.get(market)?.maintenance ?? []) !== JSON.stringify(context.maintenance.windows())

  const isBehind = (market: Address): boolean =>
    markets.isLinked(market) && !isSame(published.get(market)?.counted ?? [], countedFor(market))

  const publishRefreshed = (): void => {
    refresh = null
    for (const market of markets.addresses) if (isBehind(market)) publish(market)
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
      standing.stop()
      change?.cancel()
      refresh?.cancel()
      renewal?.cancel()
    },
  }
}
