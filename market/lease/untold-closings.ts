import type { Address, LeaseId } from '@muster/protocol'
import type { TellClosed } from './tell-closed.ts'

/** Closings that could not be told since the agent, linked to another node, was out of reach: its own node knows nothing of them. */
export interface UntoldClosings {
  readonly tell: TellClosed
  /** The agent is in reach again, over another link than before. */
  again(provider: Address): void
}

/** Leases remembered at most, the last ones: agents that are gone for good stay untold. Of what is beyond that one hears when it links again. */
const maxUntold = 100_000

export const createUntoldClosings = (tellClosed: TellClosed, most = maxUntold): UntoldClosings => {
  /** Those longest untold first. */
  const untold = new Map<Address, Set<LeaseId>>()
  let count = 0

  const forget = (provider: Address, lease: LeaseId): void => {
    const leases = untold.get(provider)
    if (leases?.delete(lease) !== true) return
    count--
    if (leases.size === 0) untold.delete(provider)
  }

  const remember = (provider: Address, lease: LeaseId): void => {
    const leases = untold.get(provider) ?? new Set<LeaseId>()
    if (leases.has(lease)) return
    untold.delete(provider)
    untold.set(provider, leases.add(lease))
    count++
    const [longest] = untold
    const [oldest] = longest?.[1] ?? []
    if (count > most && longest !== undefined && oldest !== undefined) forget(longest[0], oldest)
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
