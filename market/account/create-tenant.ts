import { newId, type Address, type TenantId, type World } from '@muster/protocol'
import type { Names } from '../personal/names.ts'
import type { Store } from '../store/store.ts'
import { hashApiKey, newApiKey } from './api-key.ts'

export interface CreateTenantInput {
  readonly name: string
  /** The tenant's own key; without one the market signs its orders. */
  readonly address?: Address | undefined
}

export interface CreateTenantModules {
  readonly world: World
  readonly store: Store
  readonly names: Pick<Names, 'seal'>
}

export interface CreatedTenant {
  readonly tenant: TenantId
  readonly apiKey: string
}

export const createTenant = async (input: CreateTenantInput, modules: CreateTenantModules): Promise<CreatedTenant> => {
  const { world, store, names } = modules
  const tenant = newId(world, 'tenant')
  await store.accounts.create({ id: tenant, address: input.address ?? null, createdAt: world.now() })
  await store.personal.add(await names.seal({ id: tenant, tenant }, input.name))
  const { apiKey } = await createKey({ tenant, name: 'first key' }, modules)
  return { tenant, apiKey }
}

export const createKey = async (
  input: { readonly tenant: TenantId; readonly name: string },
  { world, store, names }: CreateTenantModules,
) => {
  const key = newId(world, 'key')
  const apiKey = newApiKey(world)
  await store.accounts.addKey({
    id: key,
    tenant: input.tenant,
    lastFour: apiKey.slice(-4),
    createdAt: world.now(),
    revokedAt: null,
    lastUsedAt: null,
    sha256: hashApiKey(apiKey),
  })
  await store.personal.add(await names.seal({ id: key, tenant: input.tenant }, input.name))
  return { key, apiKey }
}
