import type { RouteName } from '@muster/protocol'

const kib = 1024
const mib = 1024 * kib

/** A body that small is not counted against what all bodies may take together. */
export const smallBodyBytes = 4 * kib

const larger: Partial<Record<RouteName, number>> = {
  match: 256 * kib,
  findBlobs: 2 * mib,
  submitJob: 64 * mib,
  placeStandingOrder: 64 * mib,
}

/** What the JSON body of a route may have at most, in bytes. */
export const maxBodyBytes = (route: RouteName): number => larger[route] ?? smallBodyBytes

/** How long the bytes of a body may stand still. */
export const bodyIdleMs = 15_000
/** What one JSON body may take to arrive. */
export const bodyWholeMs = 120_000
/** What JSON bodies being read or handled may hold together: those of callers without a key, and all others. */
export const openBodiesBytes = 16 * mib
export const keyedBodiesBytes = 512 * mib
