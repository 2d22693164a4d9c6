import { MusterError, type TenantId, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import { seal, unseal } from './seal.ts'

/** The keys that what may be about people is sealed under: one for each tenant. */
export interface TenantKeys {
  /** Made where there is none yet. Rejects `forbidden` for a tenant that was erased. */
  of(tenant: TenantId): Promise<Uint8Array>
  /** `undefined` where it was erased, or there never was one. */
  find(tenant: TenantId): Promise<Uint8Array | undefined>
  forget(tenant: TenantId): void
}

export interface TenantKeysModules {
  readonly world: World
  readonly store: Pick<Store, 'personal'>
  /** The keys lie sealed under this: 32 bytes. */
  readonly personalSecret: Uint8Array
}

/** How long another node may go on reading what was erased here. */
const cachedMs = 5_000
const cachedKeys = 10_000

export const createTenantKeys = ({ world, store, personalSecret }: TenantKeysModules): TenantKeys => {
  const cache = new Map<TenantId, { readonly key: Uint8Array; readonly until: number }>()

  const keep = (tenant: TenantId, key: Uint8Array): Uint8Array => {
    if (cache.size >= cachedKeys) cache.clear()
    cache.set(tenant, { key, until: world.elapsed() + cachedMs })
    return key
  }

  const find = async (tenant: TenantId): Promise<Uint8Array | undefined> => {
    const cached = cache.get(tenant)
    if (cached !== undefined && cached.until > world.elapsed()) return cached.key
    const sealed = await store.personal.key(tenant)
    if (sealed === undefined || sealed === null) return undefined
    const key = unseal(personalSecret, sealed, tenant)
    if (key !== undefined) return keep(tenant, key)
    throw new MusterError({
      code: 'internal',
      message: 'The key that this tenant’s names are sealed under was made under another key of the market.',
      facts: { tenant },
    })
  }

  return {
    find,
    of: async (tenant) => {
      const known = await find(tenant)
      if (known !== undefined) return known
      await store.personal.addKey(tenant, seal(personalSecret, world.random(32), tenant, world.random(12)))
      const made = await find(tenant)
      if (made !== undefined) return made
      throw new MusterError({
        code: 'forbidden',
        message: 'What this market knew of this tenant was erased; its account takes nothing new.',
        facts: { tenant },
      })
    },
    forget: (tenant) => void cache.delete(tenant),
  }
}
