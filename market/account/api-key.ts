import { createHash, timingSafeEqual } from 'node:crypto'
import type { World } from '@muster/protocol'

/** A new API key: `mk_` and 256 bits. It is shown once; only its hash is stored. */
export const newApiKey = (world: World): string => `mk_${Buffer.from(world.random(32)).toString('base64url')}`

export const hashApiKey = (apiKey: string): Uint8Array => createHash('sha256').update(apiKey).digest()

/** Compares two keys in constant time. */
export const isSameKey = (a: string, b: string): boolean => timingSafeEqual(hashApiKey(a), hashApiKey(b))

/** A name for the key of an `Authorization` header that does not give it away. */
export const keyName = (authorization: string | undefined): string =>
  createHash('sha256')
    .update(authorization ?? '')
    .digest('base64')

/** The key of an `Authorization: Bearer …` header. */
export const bearerKey = (authorization: string | undefined): string | undefined =>
  /^Bearer ([A-Za-z0-9_-]{8,128})$/.exec(authorization ?? '')?.[1]
