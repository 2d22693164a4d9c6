import { execSpecDigest } from '@muster/graph'
import {
  digestOf,
  MusterError,
  newId,
  sealOf,
  signBatch,
  signRecord,
  termBetween,
  toHex,
  type Amendment,
  type AuctionId,
  type LeaseId,
  type LinkRequest,
  type LinkResponse,
  type MarketMessage,
  type Offer,
  type Reservation,
  type ReservationId,
  type Reveal,
  type SignatureDomain,
  type SignedLease,
  type SignedReservation,
  type Signer,
  type World,
} from '@muster/protocol'
import type { ScriptedAgentOptions, ScriptedMessage } from './script.ts'

/** What the parts of a scripted agent have in common. */
export interface ScriptedSelf {
  readonly world: World
  readonly options: ScriptedAgentOptions
  readonly signer: Signer
  readonly domain: () => SignatureDomain
  readonly send: (message: ScriptedMessage) => void
}

const slotResources = { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 2 ** 30, gpuCount: 0 }

/** What a scripted agent offers and has promised: its offer, reservations, sealed bids, leases and their amendments. */
export const createScriptedPromises = ({ world, options, signer, domain, send }: ScriptedSelf) => {
  const offerId = newId(world, 'offer')
  const reservations = new Map<ReservationId, SignedReservation>()
  const leases = new Map<LeaseId, SignedLease>()
  const amendments = new Map<LeaseId, Amendment>()
  const bids = new Map<AuctionId, Reveal>()
  let lastOffer: Partial<Offer> = {}

  const widthOf = (lease: LeaseId): number => amendments.get(lease)?.slots ?? leases.get(lease)?.record.slots ?? 0

  /** A lease that was amended holds fewer than were reserved. */
  const slotsOf = (record: Reservation): number => {
    const lease = [...leases.values()].find((each) => each.record.reservation === digestOf(record))
    return lease === undefined ? record.slots : widthOf(lease.record.id)
  }

  const held = (): number => [...reservations.values()].reduce((sum, { record }) => sum + slotsOf(record), 0)

  const publish = (change: Partial<Offer> = lastOffer): void => {
    lastOffer = change
    const offer: Offer = {
      kind: 'offer',
      id: offerId,
      market: domain().market,
      provider: signer.address,
      resources: slotResources,
      slots: Math.max(0, options.slots - held()),
      runtimes: ['noop', 'graph'],
      execSpec: execSpecDigest,
      gpus: [],
      region: 'eu-west',
      country: 'NL',
      attributes: {},
      price: { nanoUsd: options.nanoUsd, per: 'task' },
      issuedAt: world.now(),
      expiresAt: world.now() + 3_600_000,
      ...options.offer,
      ...change,
    }
    send({ type: 'offers', offers: signBatch(signer, domain(), [offer]), counted: [...reservations.keys()] })
  }

  const reserve = ({ order, offer, slots, ttlMs }: LinkRequest<'reserve'>): SignedReservation => {
    if (held() + slots > options.slots) {
      throw new MusterError({ code: 'capacity_taken', message: 'These slots are taken.', facts: { slots } })
    }
    const term = termBetween(order.record, { ...options.offer, ...lastOffer })
    const record: Reservation = {
      kind: 'reservation',
      id: newId(world, 'reservation'),
      market: domain().market,
      provider: signer.address,
      order: digestOf(order.record),
      offer,
      slots,
      resources: { ...slotResources, ...options.offer?.resources },
      gpus: (options.offer?.gpus ?? [])
        .slice(0, slots * (options.offer?.resources?.gpuCount ?? 0))
        .map(({ uuid }) => uuid),
      price: { nanoUsd: options.nanoUsd, per: 'task', ...options.offer?.price, ...lastOffer.price },
      ...(term === undefined ? {} : { term }),
      issuedAt: world.now(),
      expiresAt: world.now() + ttlMs,
    }
    const signed = signRecord(signer, domain(), record)
    reservations.set(record.id, signed)
    world.after(0, () => publish())
    world.after(ttlMs, () => {
      const isLeased = [...leases.values()].some(({ record: lease }) => lease.reservation === digestOf(record))
      if (!isLeased && reservations.delete(record.id)) publish()
    })
    return signed
  }

  const release = (reservation: ReservationId): void => {
    reservations.delete(reservation)
    publish()
  }

  const sealBid = (asked: LinkRequest<'solicit'>): LinkResponse<'solicit'> => {
    const { auction, order, offer, slots, windowMs, holdMs } = asked
    const reservation = reserve({ order, offer, slots, ttlMs: windowMs + holdMs })
    const salt = toHex(world.random(32))
    const parts = { auction, order: digestOf(order.record), provider: signer.address }
    const seal = sealOf({ ...parts, reservation: digestOf(reservation.record), salt })
    bids.set(auction, { reservation, salt })
    const { market } = domain()
    const commitment = signRecord(signer, domain(), { kind: 'commitment', market, ...parts, seal } as const)
    return { commitment, reservation: reservation.record.id }
  }

  const openBid = (auction: AuctionId): Reveal => {
    const bid = bids.get(auction)
    if (bid === undefined) throw new MusterError({ code: 'not_found', message: 'No such bid.' })
    return bid
  }

  const hearOver = ({ auction, hasWon }: Extract<MarketMessage, { type: 'auction-over' }>): void => {
    const bid = bids.get(auction)
    if (hasWon || bid === undefined) return
    if (reservations.delete(bid.reservation.record.id)) publish()
  }

  const openLease = ({ lease, reservation }: LinkRequest<'open-lease'>): void => {
    if (leases.has(lease.record.id)) return
    const known = [...reservations.values()].find(({ record }) => digestOf(record) === reservation)
    if (known === undefined) {
      throw new MusterError({ code: 'reservation_expired', message: 'This reservation is not held any more.' })
    }
    leases.set(lease.record.id, lease)
  }

  /** Whether there was such a lease; `publish` is for the caller, once its work is dropped too. */
  const closeLease = ({ lease }: LinkRequest<'close-lease'>): boolean => {
    const known = leases.get(lease)
    if (known === undefined) return false
    leases.delete(lease)
    for (const [id, { record }] of reservations)
      if (digestOf(record) === known.record.reservation) reservations.delete(id)
    return true
  }

  const amendLease = ({ lease: id, number, slots, until }: LinkRequest<'amend-lease'>): LinkResponse<'amend-lease'> => {
    const lease = leases.get(id)
    if (lease === undefined) throw new MusterError({ code: 'lease_closed', message: 'No such lease.' })
    const { job, price } = lease.record
    const { market } = domain()
    const terms = { market, provider: signer.address, job, lease: digestOf(lease.record), number, slots, until, price }
    const record: Amendment = { kind: 'amendment', ...terms, issuedAt: world.now() }
    amendments.set(id, record)
    return signRecord(signer, domain(), record)
  }

  return {
    reservations,
    leases,
    bids,
    widthOf,
    publish,
    reserve,
    release,
    sealBid,
    openBid,
    hearOver,
    openLease,
    closeLease,
    amendLease,
  }
}

export type ScriptedPromises = ReturnType<typeof createScriptedPromises>
