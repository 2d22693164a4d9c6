import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto'
import { fromHex, MusterError, toHex, type Address, type World } from '@muster/protocol'
import type { SealedKey } from './backup-format.ts'

/** About 0.1 s and 64 MiB. */
const cost = 2 ** 16
const blockSize = 8
const cipher = 'aes-256-gcm'

const derive = (passphrase: string, salt: Uint8Array, n: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const maxmem = 256 * n * blockSize
    scrypt(passphrase.normalize('NFKC'), salt, 32, { cost: n, blockSize, parallelization: 1, maxmem }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })

/** A secret of 32 bytes under a passphrase: scrypt and AES-256-GCM, bound to the market's address. */
export const sealKey = async (
  secret: Uint8Array,
  passphrase: string,
  market: Address,
  world: World,
): Promise<SealedKey> => {
  const [salt, iv] = [world.random(32), world.random(12)]
  const seal = createCipheriv(cipher, await derive(passphrase, salt, cost), iv).setAAD(Buffer.from(market))
  const sealed = Buffer.concat([seal.update(secret), seal.final()])
  return {
    kdf: 'scrypt',
    cost,
    salt: toHex(salt),
    iv: toHex(iv),
    tag: toHex(seal.getAuthTag()),
    sealed: toHex(sealed),
  }
}

/** The secret. Throws `forbidden` for another passphrase or market. */
export const openKey = async (key: SealedKey, passphrase: string, market: Address): Promise<Uint8Array> => {
  const derived = await derive(passphrase, fromHex(key.salt), key.cost)
  const open = createDecipheriv(cipher, derived, fromHex(key.iv), { authTagLength: 16 })
    .setAAD(Buffer.from(market))
    .setAuthTag(fromHex(key.tag))
  try {
    return new Uint8Array(Buffer.concat([open.update(fromHex(key.sealed)), open.final()]))
  } catch (cause) {
    throw new MusterError({
      code: 'forbidden',
      message: 'The market’s key in this backup does not open with this passphrase.',
      facts: { market },
      fault: 'tenant',
      cause,
    })
  }
}
