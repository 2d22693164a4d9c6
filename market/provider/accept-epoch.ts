import { MusterError, type Address, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { Supply } from '../supply/supply.ts'

export interface AcceptEpochModules {
  readonly world: World
  readonly store: Store
  readonly supply: Supply
}

/** How long nothing of a provider was heard when an agent with its key and no memory of its epochs may take its place. */
const goneAfterMs = 60_000

/**
 * Remembers the epoch of a link where it is newer than any before of its provider, and answers whether it is. Where the agent
 * that linked with a newer one is gone, as after its data were lost and only the key was restored, the refusal says so, with
 * that epoch: rejects `link_superseded` with `isGone` and `newest`.
 */
export const createAcceptEpoch = ({ world, store, supply }: AcceptEpochModules) => {
  const startedAt = world.elapsed()
  return async (provider: Address, epoch: number): Promise<boolean> => {
    if (await store.providers.advanceEpoch(provider, epoch, world.now())) return true
    const known = await store.providers.get(provider)
    const isLinked = supply.peer(provider) !== undefined
    // A market that was away knows of nobody who is gone.
    const isNew = world.elapsed() - startedAt < goneAfterMs
    if (known === undefined || isLinked || isNew || known.lastSeenAt + goneAfterMs > world.now()) return false
    throw new MusterError({
      code: 'link_superseded',
      message: 'An agent with this key linked with a later epoch and is gone; link again with one that is later still.',
      facts: { provider, epoch, newest: known.epoch, isGone: true },
    })
  }
}
