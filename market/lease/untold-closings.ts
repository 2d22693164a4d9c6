import type { Address, LeaseId } from '@muster/protocol'
import type { TellClosed } from './tell-closed.ts'

/** Closings that could not be told since the agent, linked to another node, was out of reach: its own node knows nothing of them. */
export interface UntoldClosings {
  readonly tell: TellClosed
  /** The agent is in reach again, over another link than before. */
  again(provider: Address): void
}

/** Leases remembered at most; of what is beyond that an agent hears when it links again. */
const maxUntold = 100_000

export const createUntoldClosings = (tellClosed: TellClosed): UntoldClosings => {
  const untold = new Map<Address, Set<LeaseId>>()
  let count = 0

  const remember = (provider: Address, lease: LeaseId): void => {
    const leases = untold.get(provider) ?? new Set<LeaseId>()
    if (leases.has(lease) || count >= maxUntold) return
    untold.set(provider, leases.add(lease))
    count++
  }

  const forget = (provider: Address, lease: LeaseId): void => {
    const leases = untold.get(provider)
    if (leases?.delete(lease) !== true) return
    count--
    if (leases.size === 0) untold.delete(provider)
  }

  /** Remembered from the start: the agent may link anew while this still waits for the link that is gone. */
  const tell: TellClosed = async (provider, lease) => {
    remember(provider, lease)
    const isTold = await tellClosed(provider, lease)
    if (isTold) forget(provider, lease)
    return isTold
  }

  return {
    tell,
    again: (provider) => {
      for (const lease of untold.get(provider) ?? []) void tell(provider, lease)
    },
  }
}
