import { newId, type Address, type TenantId, type World } from '@muster/protocol'
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
}

export interface CreatedTenant {
  readonly tenant: TenantId
  readonly apiKey: string
}

export const createTenant = async (input: CreateTenantInput, modules: CreateTenantModules): Promise<CreatedTenant> => {
  const { world, store } = modules
  const tenant = newId(world, 'tenant')
  await store.accounts.create({ id: tenant, name: input.name, address: input.address ?? null, createdAt: world.now() })
  const { apiKey } = await createKey({ tenant, name: 'first key' }, modules)
  return { tenant, apiKey }
}

export const createKey = async (
  input: { readonly tenant: TenantId; readonly name: string },
  { world, store }: CreateTenantModules,
) => {
  const key = newId(world, 'key')
  const apiKey = newApiKey(world)
  await store.accounts.addKey({
    id: key,
    tenant: input.tenant,
    name: input.name,
    lastFour: apiKey.slice(-4),
    createdAt: world.now(),
    revokedAt: null,
    lastUsedAt: null,
    sha256: hashApiKey(apiKey),
  })
  return { key, apiKey }
}
