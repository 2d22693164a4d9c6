import { z } from 'zod'

const hourMs = 3_600_000

/** The longest notice that may be given. */
export const maxNoticeMs = 720 * hourMs
const leastNoticeMs = 1_000
/** The longest a lease may last, extensions included from when they are made. */
export const maxTermMs = 366 * 24 * hourMs

/**
 * What a lease promises. `on-demand`: its price, while it lasts. `spot`: the provider may end it, with the notice of its offer.
 * `reserved`: the provider does not end it before its term.
 */
export const leaseKinds = ['on-demand', 'spot', 'reserved'] as const
export const leaseKindSchema = z.enum(leaseKinds)
export type LeaseKind = z.output<typeof leaseKindSchema>

export const noticeSchema = z.int().min(leastNoticeMs).max(maxNoticeMs)
export const termSchema = z.int().min(1_000).max(maxTermMs)

/** The leases an offer is for: an offer without says `on-demand`, of any length. */
export const offerTermSchema = z
  .strictObject({
    kinds: z.array(leaseKindSchema).min(1).max(leaseKinds.length),
    /** The notice a spot lease is ended with. */
    noticeMs: noticeSchema.exactOptional(),
    /** The shortest and the longest lease. */
    minMs: z.int().min(0).max(maxTermMs),
    maxMs: termSchema,
  })
  .refine(({ minMs, maxMs }) => minMs <= maxMs, { path: ['maxMs'], error: 'expected no less than minMs' })
  .refine(({ kinds, noticeMs }) => !kinds.includes('spot') || noticeMs !== undefined, {
    path: ['noticeMs'],
    error: 'expected the notice of spot leases',
  })
export type OfferTerm = z.output<typeof offerTermSchema>

/** The lease an order asks for: an order without asks for `on-demand`, as long as the market gives it. */
export const leaseDemandSchema = z
  .strictObject({
    kind: leaseKindSchema,
    /** How long it is to last. */
    termMs: termSchema.exactOptional(),
    /** The least notice with which it may be ended, of a spot lease. */
    minNoticeMs: noticeSchema.exactOptional(),
  })
  .refine(({ kind, termMs }) => kind !== 'reserved' || termMs !== undefined, {
    path: ['termMs'],
    error: 'expected the term of a reserved lease',
  })
  .refine(({ kind, minNoticeMs }) => kind === 'spot' || minNoticeMs === undefined, {
    path: ['minNoticeMs'],
    error: 'expected a notice of spot leases only',
  })
export type LeaseDemand = z.output<typeof leaseDemandSchema>

/** What a reservation binds the provider to, and a lease then holds it to. */
export const leaseTermSchema = z
  .strictObject({
    kind: leaseKindSchema,
    /** The longest the lease may last; where the order says how long, exactly that. */
    termMs: termSchema,
    /** Of a spot lease. */
    noticeMs: noticeSchema.exactOptional(),
  })
  .refine(({ kind, noticeMs }) => (kind === 'spot') === (noticeMs !== undefined), {
    path: ['noticeMs'],
    error: 'expected the notice of a spot lease, and of no other',
  })
export type LeaseTerm = z.output<typeof leaseTermSchema>

interface Asking {
  readonly lease?: LeaseDemand
}

interface Offering {
  readonly term?: OfferTerm
}

/** The kind of lease an order asks for. */
export const kindAsked = ({ lease }: Asking): LeaseKind => lease?.kind ?? 'on-demand'

/** The kind of a lease: one without a term is on demand. */
export const kindOfLease = ({ term }: { readonly term?: LeaseTerm }): LeaseKind => term?.kind ?? 'on-demand'

/** What a reservation says of its term; nothing where neither order nor offer speak of one. */
export const termBetween = (order: Asking, { term }: Offering): LeaseTerm | undefined => {
  if (order.lease === undefined && term === undefined) return undefined
  const kind = kindAsked(order)
  const termMs = order.lease?.termMs ?? term?.maxMs ?? maxTermMs
  return { kind, termMs, ...(kind === 'spot' && term?.noticeMs !== undefined ? { noticeMs: term.noticeMs } : {}) }
}
