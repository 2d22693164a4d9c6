import type { Offer } from '../offer/offer.ts'
import type { Order } from '../order/order.ts'
import { failedGpuFields } from '../resource/resource-demand.ts'
import type { Reservation } from './reservation.ts'

/** What of a reservation's GPUs is not as it should be. */
export interface GpuMismatch {
  readonly field: 'gpu count' | 'gpu twice' | 'gpu not offered' | 'gpu kind'
  readonly expected: unknown
  readonly found: unknown
}

/**
 * Holds the devices that a reservation names against its offer and its order: as many as its slots have, each once, each one of the
 * offer's devices, each of the kind that was asked for. `undefined` where all is as it should be.
 */
export const gpuMismatch = (
  { gpus, slots, resources }: Pick<Reservation, 'gpus' | 'slots' | 'resources'>,
  offer: Pick<Offer, 'gpus'>,
  order: Pick<Order, 'resources'>,
): GpuMismatch | undefined => {
  const count = slots * resources.gpuCount
  if (gpus.length !== count) return { field: 'gpu count', expected: count, found: gpus.length }
  const offered = new Map(offer.gpus.map((gpu) => [gpu.uuid, gpu]))
  const seen = new Set<string>()
  const { gpu: demand } = order.resources
  for (const uuid of gpus) {
    if (seen.has(uuid)) return { field: 'gpu twice', expected: 'each device once', found: uuid }
    seen.add(uuid)
    const gpu = offered.get(uuid)
    if (gpu === undefined) return { field: 'gpu not offered', expected: [...offered.keys()], found: uuid }
    if (demand !== undefined && failedGpuFields(demand, gpu).length > 0)
      return { field: 'gpu kind', expected: demand, found: gpu }
  }
  return undefined
}
