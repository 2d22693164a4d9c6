import type { Address, LeaseId } from '@muster/protocol'
import type { TellClosed } from './tell-closed.ts'

/** Closings that could not be told since the agent, linked to another node, was out of reach: its own node knows nothing of them. */
export interface UntoldClosings {
  readonly tell: TellClosed
  /** The agent is in reach again. */
  again(provider: Address): void
}

/** Leases remembered at most; of what is beyond that an agent hears when it links again. */
const maxUntold = 100_000

export const createUntoldClosings = (tellClosed: TellClosed): UntoldClosings => {
  const untold = new Map<Address, Set<LeaseId>>()
  let count = 0

  const tell: TellClosed = async (provider, lease) => {
    if (await tellClosed(provider, lease)) return true
    const leases = untold.get(provider) ?? new Set<LeaseId>()
    if (leases.has(lease) || count >= maxUntold) return false
    untold.set(provider, leases.add(lease))
    count++
    return false
  }

  return {
    tell,
    again: (provider) => {
      const leases = untold.get(provider)
      if (leases === undefined) return
      untold.delete(provider)
      count -= leases.size
      for (const lease of leases) void tell(provider, lease)
    },
  }
}
