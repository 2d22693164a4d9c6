import { createHash, timingSafeEqual } from 'node:crypto'
import { isId, MusterError, newId, type AdminRole, type KeyId, type World } from '@muster/protocol'
import { bearerKey, isSameKey } from '../account/api-key.ts'
import type { Store } from '../store/store.ts'

/** Who calls the admin API. */
export interface AdminCaller {
  /** The id of the key, or `owner` for the key the market was started with. */
  readonly id: string
  readonly name: string
  readonly role: AdminRole
}

export interface AdminKeys {
  /** Whose key an `Authorization` header carries. Rejects `unauthenticated`. A revoked key is refused at once. */
  authenticate(authorization: string | undefined): Promise<AdminCaller>
  /** A new key: `mak_`, its id, and 256 bits. It is shown once; only the hash of the bits is stored. */
  create(
    input: { readonly name: string; readonly role: AdminRole },
    by: AdminCaller,
  ): Promise<{ readonly key: KeyId; readonly adminKey: string }>
}

export interface AdminKeysModules {
  readonly world: World
  readonly store: Store
  /** The key the market was started with. */
  readonly ownerKey: string
}

const owner: AdminCaller = { id: 'owner', name: 'owner', role: 'owner' }
const pattern = /^mak_([0-9A-Z]{26})_([A-Za-z0-9_-]{43})$/

const hashOf = (secret: string): Uint8Array => createHash('sha256').update(secret).digest()

const refuse = (): MusterError =>
  new MusterError({
    code: 'unauthenticated',
    message: 'This needs an admin key of the market that is known and not revoked.',
    facts: { expected: 'an admin key' },
  })

export const createAdminKeys = ({ world, store, ownerKey }: AdminKeysModules): AdminKeys => ({
  authenticate: async (authorization) => {
    const given = bearerKey(authorization)
    if (given === undefined) throw refuse()
    if (isSameKey(given, ownerKey)) return owner
    const [, body = '', secret = ''] = pattern.exec(given) ?? []
    const id = `key_${body}`
    if (!isId('key', id)) throw refuse()
    const found = await store.admin.key(id)
    const isRight = timingSafeEqual(hashOf(secret), found?.sha256 ?? new Uint8Array(32))
    if (found === undefined || !isRight || found.key.revokedAt !== null) throw refuse()
    return { id, name: found.key.name, role: found.key.role }
  },
  create: async ({ name, role }, by) => {
    const id = newId(world, 'key')
    const secret = Buffer.from(world.random(32)).toString('base64url')
    const key = {
      id,
      name,
      role,
      lastFour: secret.slice(-4),
      createdBy: by.id,
      createdAt: world.now(),
      revokedAt: null,
    }
    await store.admin.addKey({ ...key, sha256: hashOf(secret) })
    return { key: id, adminKey: `mak_${id.slice('key_'.length)}_${secret}` }
  },
})
