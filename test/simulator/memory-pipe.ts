import type { World } from '@muster/protocol'

export interface MemoryPipe {
  /** Takes `bytes` of room until delivered. */
  push(bytes: number, deliver: () => void): void
  /** Nothing is delivered while held. */
  hold(isHeld: boolean): void
  /** What is on its way is lost, and so is everything after. */
  cut(): void
  readonly queuedBytes: number
}

interface Parcel {
  readonly at: number
  readonly bytes: number
  deliver(): void
}

/** One direction of a link in memory: parcels arrive in order, each `delayMs()` after it was pushed or with the one before it. */
export const createMemoryPipe = (world: World, delayMs: () => number): MemoryPipe => {
  let parcels: Parcel[] = []
  let queuedBytes = 0
  let lastAt = 0
  let isHeld = false
  let isCut = false
  let isWaiting = false

  const wait = (): void => {
    const [next] = parcels
    if (next === undefined || isWaiting || isHeld || isCut) return
    isWaiting = true
    world.after(Math.max(0, next.at - world.elapsed()), arrive)
  }

  const arrive = (): void => {
    isWaiting = false
    let parcel = parcels[0]
    while (parcel !== undefined && parcel.at <= world.elapsed() && !isHeld && !isCut) {
      parcels.shift()
      queuedBytes -= parcel.bytes
      parcel.deliver()
      parcel = parcels[0]
    }
    wait()
  }

  return {
    push: (bytes, deliver) => {
      if (isCut) return
      lastAt = Math.max(lastAt, world.elapsed() + delayMs())
      parcels.push({ at: lastAt, bytes, deliver })
      queuedBytes += bytes
      wait()
    },
    hold: (held) => {
      isHeld = held
      wait()
    },
    cut: () => {
      isCut = true
      parcels = []
      queuedBytes = 0
    },
    get queuedBytes() {
      return queuedBytes
    },
  }
}
