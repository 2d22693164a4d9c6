import { branded } from '../id/branded.ts'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { hexText, toHex, type Hex } from '../digest/hex.ts'

/** Ethereum address of a key, lower-case: the id of a provider or a market. */
export type Address = Hex & { readonly __address: true }

export const addressSchema = branded<Address>(hexText(20))

/** Address of an uncompressed public key (65 bytes): the last 20 bytes of its keccak-256. */
export const addressOf = (publicKey: Uint8Array): Address =>
  toHex(keccak_256(publicKey.subarray(1)).subarray(12)) as Address
