import type { CapacityTotal, Gpu, Log } from '@muster/protocol'
import type { Device } from './device.ts'

/** What of a device is to be sold; `null` leaves it to the agent. */
export interface CapacityLimits {
  readonly cores: number | null
  readonly memoryBytes: number | null
  readonly diskBytes: number | null
  /** UUIDs; `null` for all. */
  readonly gpus: readonly string[] | null
  /** Kept back for the blob cache. */
  readonly cacheBytes: number
}

/** Of the machine's memory, when nothing else is written: the rest is for the system and the agent. */
const memoryShare = 0.75
const diskShare = 0.9

/** What is sold: what was written, but never more than there is. */
export const compileCapacity = (
  device: Device,
  limits: CapacityLimits,
  log: Log,
): { capacity: CapacityTotal; gpus: Gpu[] } => {
  const atMost = (what: string, written: number | null, detected: number, standard: number): number => {
    if (written === null) return standard
    if (written <= detected) return written
    log.warn('this machine has less than it is told to sell; it sells what it has', { what, written, detected })
    return detected
  }
  const room = Math.max(0, device.diskBytes - limits.cacheBytes)
  const missing = limits.gpus?.filter((uuid) => device.gpus.every((gpu) => gpu.uuid !== uuid)) ?? []
  if (missing.length > 0) log.warn('GPUs that are to be sold are not in this machine', { missing })
  const gpus = device.gpus.filter(({ uuid }) => limits.gpus === null || limits.gpus.includes(uuid))
  return {
    capacity: {
      cpuMilli: Math.floor(atMost('cores', limits.cores, device.cores, device.cores) * 1000),
      memoryBytes: Math.floor(
        atMost('memory', limits.memoryBytes, device.memoryBytes, device.memoryBytes * memoryShare),
      ),
      diskBytes: Math.floor(atMost('disk', limits.diskBytes, room, room * diskShare)),
      gpus: gpus.map(({ uuid }) => uuid),
    },
    gpus,
  }
}
