import { MusterError, newId, type ActionId, type World } from '@muster/protocol'
import type { AdminAction } from '../store/admin-store.ts'
import type { Store } from '../store/store.ts'
import type { AdminCaller } from './admin-keys.ts'

/** What an admin asked for. */
export interface Asked {
  readonly action: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly reason: string
}

/** Writes down what admins ask for, before it is done; nothing is done that could not be written down. */
export interface AdminLog {
  /** Records the call, then makes it; where it fails that is recorded too. Rejects as `act` does, or as the store. */
  around<Result>(caller: AdminCaller, asked: Asked, act: () => Promise<Result> | Result): Promise<Result>
  /** Records a call that its role forbids. */
  refused(caller: AdminCaller, asked: Asked): Promise<void>
}

export const createAdminLog = ({ world, store }: { readonly world: World; readonly store: Store }): AdminLog => {
  let newest = 0

  /** Ids of one node sort in the order of writing, also within a millisecond. */
  const nextId = (): ActionId => {
    newest = Math.max(world.now(), newest + 1)
    const at = newest
    return newId({ ...world, now: () => at }, 'action')
  }

  const write = async (
    { id: actor, name: actorName, role }: AdminCaller,
    asked: Asked,
    rest: Pick<AdminAction, 'outcome' | 'of' | 'code'>,
  ): Promise<ActionId> => {
    const id = nextId()
    await store.admin.record({ id, at: world.now(), actor, actorName, role, ...asked, ...rest })
    return id
  }

  return {
    around: async (caller, asked, act) => {
      const of = await write(caller, asked, { outcome: 'asked', of: null, code: null })
      try {
        return await act()
      } catch (error) {
        const code = error instanceof MusterError ? error.code : 'internal'
        await write(caller, asked, { outcome: 'refused', of, code })
        throw error
      }
    },
    refused: async (caller, asked) => {
      await write(caller, asked, { outcome: 'refused', of: null, code: 'forbidden' })
    },
  }
}
