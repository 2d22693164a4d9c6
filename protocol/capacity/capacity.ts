import { MusterError } from '../error/muster-error.ts'
import { refuseTransition } from '../error/refuse-transition.ts'
import type { LeaseId, ReservationId } from '../id/id.ts'
import type { Resources } from '../resource/resources.ts'

/** What a machine sells: quantities, and GPUs by UUID. */
export interface CapacityTotal {
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly gpus: readonly string[]
}

/** Slots held by a reservation: `reserved` until `until`, then free again; `leased` until closed or `until`. */
export interface Holding {
  readonly reservation: ReservationId
  readonly lease: LeaseId | null
  readonly slots: number
  /** Per slot. */
  readonly resources: Resources
  readonly gpus: readonly string[]
  readonly until: number
}

/** An agent's book of its own machine: the only owner of its slots, across every market it is linked to. */
export interface Capacity {
  readonly total: CapacityTotal
  readonly holdings: ReadonlyMap<ReservationId, Holding>
}

export type CapacityEvent =
  | { readonly type: 'reserved'; readonly holding: Holding }
  | {
      readonly type: 'leased'
      readonly reservation: ReservationId
      readonly lease: LeaseId
      readonly until: number
      /** Of those reserved, where the lease is of fewer. */
      readonly slots?: number
    }
  | { readonly type: 'amended'; readonly reservation: ReservationId; readonly slots: number; readonly until: number }
  | { readonly type: 'released'; readonly reservation: ReservationId }

export const newCapacity = (total: CapacityTotal): Capacity => ({ total, holdings: new Map() })

/** What is not held by any reservation or lease that lasts past `now`. */
export const freeCapacity = ({ total, holdings }: Capacity, now: number): CapacityTotal => {
  let { cpuMilli, memoryBytes, diskBytes } = total
  const taken = new Set<string>()
  for (const holding of holdings.values()) {
    if (holding.until <= now) continue
    cpuMilli -= holding.slots * holding.resources.cpuMilli
    memoryBytes -= holding.slots * holding.resources.memoryBytes
    diskBytes -= holding.slots * holding.resources.diskBytes
    for (const gpu of holding.gpus) taken.add(gpu)
  }
  return { cpuMilli, memoryBytes, diskBytes, gpus: total.gpus.filter((gpu) => !taken.has(gpu)) }
}

/** How many slots of this size fit into what is free. */
export const slotsThatFit = (free: CapacityTotal, resources: Resources): number => {
  const per = (have: number, need: number) =>
    need === 0 ? Number.MAX_SAFE_INTEGER : Math.floor(Math.max(0, have) / need)
  return Math.min(
    per(free.cpuMilli, resources.cpuMilli),
    per(free.memoryBytes, resources.memoryBytes),
    per(free.diskBytes, resources.diskBytes),
    per(free.gpus.length, resources.gpuCount),
  )
}

/** The GPUs a new holding of this size would name. Throws `capacity_taken` where the slots are not free, `transition_refused` for less than one slot. */
export const requireFree = (
  capacity: Capacity,
  slots: number,
  resources: Resources,
  now: number,
): readonly string[] => {
  if (!Number.isSafeInteger(slots) || slots < 1)
    throw refuseTransition('reservation', 'for no slots', 'reserved', { slots })
  const free = freeCapacity(capacity, now)
  const fits = slotsThatFit(free, resources)
  if (fits >= slots) return free.gpus.slice(0, slots * resources.gpuCount)
  throw new MusterError({
    code: 'capacity_taken',
    message: 'These slots are no longer free on this machine.',
    facts: { expected: slots, found: fits },
  })
}

/** The book after an event. Throws `capacity_taken` or `transition_refused`; never holds more than there is. */
export const stepCapacity = (capacity: Capacity, event: CapacityEvent, now: number): Capacity => {
  const holdings = new Map(capacity.holdings)
  switch (event.type) {
    case 'reserved': {
      const { holding } = event
      if (holdings.has(holding.reservation)) throw refuseTransition('reservation', 'held', event.type)
      requireFree(capacity, holding.slots, holding.resources, now)
      const { gpus } = freeCapacity(capacity, now)
      const named = new Set(holding.gpus)
      if (named.size !== holding.slots * holding.resources.gpuCount || ![...named].every((gpu) => gpus.includes(gpu))) {
        throw new MusterError({
          code: 'capacity_taken',
          message: 'A GPU this reservation names is not free on this machine.',
          facts: { expected: gpus, found: holding.gpus },
        })
      }
      holdings.set(holding.reservation, holding)
      break
    }
    case 'leased': {
      const holding = holdings.get(event.reservation)
      if (holding === undefined || holding.lease !== null || holding.until <= now) {
        throw new MusterError({
          code: 'reservation_expired',
          message: 'This reservation is not held any more; reserve again.',
          facts: { reservation: event.reservation },
        })
      }
      const slots = Math.min(holding.slots, event.slots ?? holding.slots)
      const gpus = holding.gpus.slice(0, slots * holding.resources.gpuCount)
      holdings.set(event.reservation, { ...holding, slots, gpus, lease: event.lease, until: event.until })
      break
    }
    case 'amended': {
      const holding = holdings.get(event.reservation)
      if (holding === undefined || holding.lease === null || holding.until <= now)
        throw refuseTransition('reservation', 'not leased', event.type)
      const { slots, until } = event
      if (slots > holding.slots || slots < 1) throw refuseTransition('reservation', 'smaller', event.type, { slots })
      const gpus = holding.gpus.slice(0, slots * holding.resources.gpuCount)
      holdings.set(event.reservation, { ...holding, slots, gpus, until })
      break
    }
    case 'released':
      holdings.delete(event.reservation)
  }
  for (const [id, holding] of holdings) if (holding.until <= now) holdings.delete(id)
  return { total: capacity.total, holdings }
}
