import { createHmac } from 'node:crypto'
import { toHex, type Hex, type OrderId, type StandingOrderId, type TenantId } from '@muster/protocol'
import type { PersonalText } from '../store/personal-store.ts'
import { seal, unseal } from './seal.ts'
import { createTenantKeys, type TenantKeysModules } from './tenant-keys.ts'

/** Whose name is asked for: the id of a tenant, an API key or a job, and the tenant it belongs to. */
export interface Named {
  readonly id: string
  readonly tenant: TenantId
}

/** The names that people gave to what is theirs. Kept apart from everything that is signed, and sealed, so that they can be erased. */
export interface Names {
  seal(of: Named, name: string): Promise<PersonalText>
  /** By id; left out are those that were erased, are kept no longer, or were sealed under a key that a restore did not bring back. */
  read(of: readonly Named[]): Promise<ReadonlyMap<string, string>>
  /** The salt of a name that came without one: the same for the same order, and lost with the tenant's key. */
  saltFor(tenant: TenantId, order: OrderId | StandingOrderId): Promise<Hex>
  /** Forgets a tenant's key: whether there was one. */
  erase(tenant: TenantId): Promise<boolean>
  /** Forgets the names of jobs closed before this time (wall-clock ms): how many. */
  dropOfClosed(closedBefore: number): Promise<number>
}

export const createNames = (modules: TenantKeysModules): Names => {
  const { world, store } = modules
  const keys = createTenantKeys(modules)
  return {
    seal: async ({ id, tenant }, name) => {
      const key = await keys.of(tenant)
      return { subject: id, tenant, sealed: seal(key, Buffer.from(name), id, world.random(12)) }
    },
    read: async (of) => {
      const names = new Map<string, string>()
      if (of.length === 0) return names
      const sealed = await store.personal.texts(of.map(({ id }) => id))
      for (const { id, tenant } of of) {
        const text = sealed.get(id)
        const key = text === undefined ? undefined : await keys.find(tenant)
        const name = text === undefined || key === undefined ? undefined : unseal(key, text, id)
        if (name !== undefined) names.set(id, Buffer.from(name).toString())
      }
      return names
    },
    saltFor: async (tenant, order) => {
      const key = await keys.of(tenant)
      return toHex(createHmac('sha256', key).update(`name salt ${order}`).digest())
    },
    erase: async (tenant) => {
      const erased = await store.personal.erase(tenant, world.now())
      keys.forget(tenant)
      return erased
    },
    dropOfClosed: (closedBefore) => store.personal.dropOfClosed(closedBefore),
  }
}
