import type { Maintenance, Timer } from '@muster/protocol'
import type { HeldLease } from '../book/book.ts'
import type { AgentContext } from '../context.ts'
import { returnLease, sendNotice } from '../lease/return-leases.ts'

const everyMs = 1_000

/** Follows the plan of maintenance. */
export interface MaintenanceWatch {
  /** The plan may have changed. */
  look(): void
}

/** How long before its end a lease is told of it: the notice it is sold with, and no less than the owner's own. */
const noticeOf = ({ options }: AgentContext, { signed }: HeldLease): number =>
  Math.max(options.noticeMs, signed.record.term?.noticeMs ?? 0)

/**
 * Takes back, with their notice, the leases that would run into the window. Where it was announced too late for that they last a
 * little longer. A reserved lease is kept to its term.
 */
const clear = (context: AgentContext, { from }: Maintenance, warned: WeakSet<HeldLease>): boolean => {
  const { world, book, log } = context
  const leftMs = from - world.now()
  let isNew = false
  for (const lease of book.leases.values()) {
    if (lease.until <= from) continue
    const { id, term } = lease.signed.record
    if (term?.kind === 'reserved') {
      if (!warned.has(lease))
        log.warn('a reserved lease runs into the maintenance; it is kept', { lease: id, until: lease.until })
      warned.add(lease)
      continue
    }
    const noticeMs = noticeOf(context, lease)
    // The next look would be too late.
    if (leftMs > noticeMs + everyMs) continue
    isNew = returnLease(context, lease, { inMs: Math.max(noticeMs, leftMs), takesWork: true }) || isNew
  }
  return isNew
}

/** Gives notice in time, and opens and closes the door as windows begin and end: looks every second while any is planned. */
export const createMaintenanceWatch = (context: AgentContext): MaintenanceWatch => {
  const { world, maintenance, offers, signal, log, markets } = context
  const warned = new WeakSet<HeldLease>()
  let timer: Timer | undefined
  let isUnder = false
  let announced = '[]'

  const look = (): void => {
    timer?.cancel()
    if (signal.aborted) return
    const windows = maintenance.windows()
    const [next] = windows
    if (next !== undefined && clear(context, next, warned))
      for (const market of markets.addresses) sendNotice(context, market)
    const wasUnder = isUnder
    isUnder = maintenance.isUnder()
    if (isUnder !== wasUnder)
      log.info(isUnder ? 'under maintenance: no new work' : 'the maintenance is over', { ...next })
    const found = JSON.stringify(windows)
    if (found !== announced || isUnder !== wasUnder) offers.changed()
    announced = found
    if (windows.length > 0) timer = world.after(everyMs, look)
  }

  return { look }
}
