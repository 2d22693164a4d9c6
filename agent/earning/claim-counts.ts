import type { Address, JobId } from '@muster/protocol'

/** Claims that were sent for one job, and when the first and the last of them were; wall-clock ms. */
export interface ClaimCount {
  readonly market: Address
  readonly job: JobId
  readonly claims: number
  readonly firstAt: number
  readonly lastAt: number
}

/** How many claims this machine made, by market and job: what its receipts are held against. A crash may lose the last seconds of it. */
export interface ClaimCounts {
  add(market: Address, job: JobId, claims: number, at: number): void
  list(): ClaimCount[]
  /** Writes what waits to be written, and closes. */
  close(): void
}
