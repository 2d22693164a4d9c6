import {
  digestOf,
  maxTermMs,
  MusterError,
  signRecord,
  stepCapacity,
  type Address,
  type Amendment,
  type ErrorCode,
  type LinkRequest,
  type Signed,
} from '@muster/protocol'
import type { HeldLease } from '../book/book.ts'
import { domainOf, type AgentContext } from '../context.ts'
import { put } from '../journal/journal-record.ts'
import { utilisationOf } from '../offer/standing-prices.ts'
import { quote } from '../price/quote.ts'
import { watchEnd } from './watch-end.ts'

type Asked = LinkRequest<'amend-lease'>

const refuse = (code: ErrorCode, message: string, facts: Readonly<Record<string, unknown>>): MusterError =>
  new MusterError({ code, message, facts, fault: 'provider', retry: 'never' })

const requireLease = ({ book, world }: AgentContext, market: Address, { lease: id }: Asked): HeldLease => {
  const lease = book.leases.get(id)
  if (lease === undefined || lease.signed.record.market !== market)
    throw refuse('lease_closed', 'This agent holds no such lease any more.', { lease: id })
  if (lease.until <= world.now()) throw refuse('lease_closed', 'The lease is over.', { lease: id, until: lease.until })
  if (lease.returning !== null)
    throw refuse('lease_closed', 'The provider has given notice of this lease; it is not amended any more.', {
      lease: id,
    })
  return lease
}

/** That a lease may last longer: what the owner would ask for it anew is no more than it pays. */
const requireLonger = (context: AgentContext, lease: HeldLease, { until }: Asked): void => {
  const { book, world, pricing, maintenance, options } = context
  const { id, term, market, tenant, runtime, resources, price, slots } = lease.signed.record
  const now = world.now()
  const facts = { lease: id, until }
  if (term?.kind === 'spot') throw refuse('conflict', 'A spot lease is not made longer; order another one.', facts)
  if (book.door !== null) throw refuse('capacity_taken', 'This machine takes nothing new now.', facts)
  const policy = pricing.policy()
  const mostMs = policy.leases.get(term?.kind ?? 'on-demand')?.maxMs ?? maxTermMs
  if (until - now > mostMs)
    throw refuse('conflict', 'The provider leases for no longer than that.', { ...facts, expected: now + mostMs })
  const window = maintenance.meets(until - now)
  if (window !== undefined)
    throw refuse('capacity_taken', 'The machine is under maintenance before that.', { ...facts, ...window })
  const asked = quote(policy, {
    order: {
      tenant,
      tenantRegion: null,
      runtime,
      unit: price.per,
      lease: term?.kind ?? 'on-demand',
      resources,
      gpuModels: [...new Set(options.gpus.map(({ model }) => model))],
      maxNanoUsd: price.nanoUsd,
    },
    slots,
    utilisation: utilisationOf(context, id),
    market,
    at: now,
  })
  if (asked.price !== null) return
  const { message, expected, found, reason } = asked.refusal
  throw refuse('conflict', message, { ...facts, reason, expected, found })
}

const isSame = ({ record }: Signed<Amendment>, { slots, until }: Asked): boolean =>
  record.slots === slots && record.until === until

/** Frees the slots of a lease that it has too many and that nothing runs on. */
export const freeIdleSlots = (context: AgentContext, lease: HeldLease): void => {
  const { book, world } = context
  const { id: reservation } = lease.reservation.signed.record
  const holding = book.capacity.holdings.get(reservation)
  const slots = Math.max(lease.slots, lease.running.size)
  if (holding === undefined || holding.lease === null || holding.until <= world.now()) return
  if (slots >= holding.slots && lease.until === holding.until) return
  const event = { type: 'amended', reservation, slots: Math.min(slots, holding.slots), until: lease.until } as const
  book.capacity = stepCapacity(book.capacity, event, world.now())
  context.offers.changed()
}

/**
 * Signs that a lease lasts longer or has fewer slots; durable before it is answered. The same again is the same answer, and one of
 * the same number takes the place of the last, which the market then did not take. Slots that are busy are given back as their attempts
 * end. Throws `lease_closed`, `conflict` and `capacity_taken` with the reason, and `disk_full`.
 */
export const amendLease = async (context: AgentContext, market: Address, asked: Asked): Promise<Signed<Amendment>> => {
  const lease = requireLease(context, market, asked)
  const { record } = lease.signed
  const last = lease.amendments.at(-1)
  const number = last?.record.number ?? 0
  if (last !== undefined && asked.number === number && isSame(last, asked)) {
    await context.write([])
    return last
  }
  const before = asked.number === number ? lease.amendments.slice(0, -1) : lease.amendments
  const base = before.at(-1)?.record ?? { number: 0, slots: record.slots, until: record.paidUntil }
  if (asked.number !== base.number + 1 && asked.number !== number + 1)
    throw refuse('conflict', 'This is not the next amendment of the lease.', {
      expected: number + 1,
      found: asked.number,
    })
  if (asked.slots > lease.slots)
    throw refuse('conflict', 'A lease gets no more slots; reserve others.', {
      expected: lease.slots,
      found: asked.slots,
    })
  const from = asked.number === number ? base.until : lease.until
  if (asked.until < from) throw refuse('conflict', 'A lease gets no shorter.', { expected: from, found: asked.until })
  if (asked.until > from) requireLonger(context, lease, asked)
  const signed = signRecord(context.signer, domainOf(context, market), {
    kind: 'amendment',
    market,
    provider: context.signer.address,
    job: record.job,
    lease: digestOf(record),
    number: asked.number,
    slots: asked.slots,
    until: asked.until,
    price: record.price,
    issuedAt: context.world.now(),
  } as const)
  const amendments = [...before.slice(-1), signed]
  const { signed: reservation, runtime } = lease.reservation
  const { id } = reservation.record
  const kept = { kind: 'reservation', id, reservation, runtime, lease: lease.signed, amendments } as const
  await context.write([put(kept)])
  requireLease(context, market, asked)
  lease.amendments = amendments
  lease.slots = asked.slots
  lease.until = asked.until
  freeIdleSlots(context, lease)
  watchEnd(context, lease)
  return signed
}
