import type { Address, LeaseId } from '@muster/protocol'
import type { HeldLease } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { watchEnd } from './watch-end.ts'

export interface Returning {
  /** From now. */
  readonly inMs: number
  /** Whether attempts that end before may still begin. */
  readonly takesWork: boolean
}

/** Takes a lease back: attempts may finish until then. A later end than one that was said changes nothing. Says whether it is new. */
export const returnLease = (context: AgentContext, lease: HeldLease, { inMs, takesWork }: Returning): boolean => {
  const endsAt = context.world.elapsed() + inMs
  if (lease.returning !== null && lease.returning.endsAt <= endsAt) return false
  lease.returning = { endsAt, takesWork }
  watchEnd(context, lease)
  return true
}

/** Tells a market which of its leases are taken back, and when what still runs is ended. */
export const sendNotice = ({ book, world, markets }: AgentContext, market: Address): void => {
  const alike = new Map<string, { readonly inMs: number; readonly takesWork: boolean; readonly leases: LeaseId[] }>()
  for (const { signed, returning } of book.leases.values()) {
    if (returning === null || signed.record.market !== market) continue
    const { endsAt, takesWork } = returning
    const key = `${endsAt} ${takesWork}`
    const found = alike.get(key) ?? { inMs: Math.max(0, Math.round(endsAt - world.elapsed())), takesWork, leases: [] }
    alike.set(key, found)
    if (found.leases.length < 4096) found.leases.push(signed.record.id)
  }
  for (const { inMs, takesWork, leases } of alike.values()) {
    const by = world.now() + inMs
    markets.send(market, { type: 'notice', leases, by, inMs, ...(takesWork ? { takesWork } : {}) })
  }
}

/**
 * Takes leases back with notice, those of one market or of all and whatever their term is: attempts may finish until `by`; then they
 * are ended and reported, and the slots are free.
 */
export const returnLeases = (context: AgentContext, by: number, market?: Address): void => {
  const { book, world, log, markets } = context
  const inMs = Math.max(0, by - world.now())
  for (const lease of book.leases.values()) {
    const { id, term, market: of } = lease.signed.record
    if (market !== undefined && of !== market) continue
    const promisedMs = term?.kind === 'reserved' ? Infinity : (term?.noticeMs ?? 0)
    if (lease.returning === null && inMs < Math.min(promisedMs, lease.until - world.now()))
      log.warn('a lease ends before its term allows; this stands on the record', { lease: id, kind: term?.kind })
    returnLease(context, lease, { inMs, takesWork: false })
  }
  for (const each of market === undefined ? markets.addresses : [market]) sendNotice(context, each)
}

/** Takes back what may be taken back, each with the notice it is sold with and `noticeMs` at least: reserved leases stay. */
export const yieldLeases = (context: AgentContext, noticeMs: number): void => {
  for (const lease of context.book.leases.values()) {
    const { term } = lease.signed.record
    if (term?.kind === 'reserved') continue
    returnLease(context, lease, { inMs: Math.max(noticeMs, term?.noticeMs ?? 0), takesWork: false })
  }
  for (const market of context.markets.addresses) sendNotice(context, market)
}
