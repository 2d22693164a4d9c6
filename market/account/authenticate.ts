import { MusterError, type World } from '@muster/protocol'
import type { Store, Tenant } from '../store/store.ts'
import { bearerKey, hashApiKey } from './api-key.ts'

/** Whose key an `Authorization` header carries. */
export type Authenticate = (authorization: string | undefined) => Promise<Tenant>

const cachedMs = 5_000
const cachedKeys = 10_000

const refuse = (): MusterError =>
  new MusterError({
    code: 'unauthenticated',
    message: 'This needs an API key that is known and not revoked: Authorization: Bearer mk_….',
  })

/** Looks keys up by their hash and trusts an answer for five seconds, which is how long a revoked key may still work. */
export const createAuthenticate = ({
  world,
  store,
}: {
  readonly world: World
  readonly store: Store
}): Authenticate => {
  const cache = new Map<string, { readonly tenant: Tenant; readonly until: number }>()
  return async (authorization) => {
    const apiKey = bearerKey(authorization)
    if (apiKey === undefined) throw refuse()
    const sha256 = hashApiKey(apiKey)
    const name = Buffer.from(sha256).toString('base64')
    const cached = cache.get(name)
    if (cached !== undefined && cached.until > world.elapsed()) return cached.tenant
    const found = await store.accounts.keyByHash(sha256)
    if (found === undefined || found.key.revokedAt !== null) throw refuse()
    if (cache.size >= cachedKeys) cache.clear()
    cache.set(name, { tenant: found.tenant, until: world.elapsed() + cachedMs })
    store.accounts.markKeyUsed(found.key.id, world.now()).catch(() => {})
    return found.tenant
  }
}
