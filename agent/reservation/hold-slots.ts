import { stepCapacity, type Timer } from '@muster/protocol'
import { orderKey, type HeldReservation } from '../book/book.ts'
import type { AgentContext } from '../context.ts'

const longestTimerMs = 3_600_000

/** Calls `action` at a wall-clock time, however far; `keep` is told of each timer that stands for it. */
export const callAt = (
  context: Pick<AgentContext, 'world'>,
  at: number,
  keep: (timer: Timer) => void,
  action: () => void,
): void => {
  const delayMs = Math.min(longestTimerMs, Math.max(1, at - context.world.now()))
  keep(
    context.world.after(delayMs, () => {
      if (context.world.now() >= at) action()
      else callAt(context, at, keep, action)
    }),
  )
}

/** Enters a reservation into the book; its slots, or what is left of them, are taken until `until`. Throws `capacity_taken`. */
export const holdSlots = (
  { book, world }: Pick<AgentContext, 'book' | 'world'>,
  held: HeldReservation,
  until: number,
  slots = held.signed.record.slots,
): void => {
  const { id, resources, order, offer } = held.signed.record
  const gpus = held.signed.record.gpus.slice(0, slots * resources.gpuCount)
  const holding = { reservation: id, lease: null, slots, resources, gpus, until }
  book.capacity = stepCapacity(book.capacity, { type: 'reserved', holding }, world.now())
  book.reservations.set(id, held)
  const key = orderKey(order, offer)
  if (!book.byOrder.has(key)) book.byOrder.set(key, held)
  book.byDigest.set(held.digest, held)
}

/** Takes a reservation out of the book; its slots are free again. */
export const freeSlots = (
  { book, world, offers }: Pick<AgentContext, 'book' | 'world' | 'offers'>,
  held: HeldReservation,
): void => {
  const { id, order, offer } = held.signed.record
  held.timer?.cancel()
  held.timer = null
  if (book.reservations.get(id) !== held) return
  book.capacity = stepCapacity(book.capacity, { type: 'released', reservation: id }, world.now())
  book.reservations.delete(id)
  book.byDigest.delete(held.digest)
  const key = orderKey(order, offer)
  if (book.byOrder.get(key) === held) book.byOrder.delete(key)
  offers.changed()
}
