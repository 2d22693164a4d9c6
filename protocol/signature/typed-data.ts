import { keccak_256 } from '@noble/hashes/sha3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import { fromHex } from '../digest/hex.ts'
import type { Address } from './address.ts'

/** What a signature is bound to beside the record itself: protocol version 1, the network's chain, the market's address. */
export interface SignatureDomain {
  readonly chainId: number
  readonly market: Address
}

const hashText = (text: string): Uint8Array => keccak_256(utf8ToBytes(text))

const domainType = hashText('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
const recordType = hashText('Record(string kind,bytes32 digest)')
const batchType = hashText('Batch(bytes32 root)')
const name = hashText('Muster')
const version = hashText('1')

const words = (...parts: Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.length * 32)
  parts.forEach((part, index) => bytes.set(part, (index + 1) * 32 - part.length))
  return bytes
}

const uint = (value: number): Uint8Array => fromHex(`0x${value.toString(16).padStart(64, '0')}`)

const separators = new Map<string, Uint8Array>()
const kinds = new Map<string, Uint8Array>()

const remember = (cache: Map<string, Uint8Array>, key: string, make: () => Uint8Array): Uint8Array => {
  const known = cache.get(key)
  if (known !== undefined) return known
  const made = make()
  if (cache.size < 1024) cache.set(key, made)
  return made
}

const separatorOf = (domain: SignatureDomain): Uint8Array =>
  remember(separators, `${domain.chainId}:${domain.market}`, () =>
    keccak_256(words(domainType, name, version, uint(domain.chainId), fromHex(domain.market))),
  )

const typedDataHash = (domain: SignatureDomain, struct: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(66)
  bytes[0] = 0x19
  bytes[1] = 0x01
  bytes.set(separatorOf(domain), 2)
  bytes.set(struct, 34)
  return keccak_256(bytes)
}

/** The 32 bytes signed for one record: EIP-712 hash of `Record(string kind,bytes32 digest)`. */
export const recordSigningHash = (domain: SignatureDomain, kind: string, digest: Uint8Array): Uint8Array =>
  typedDataHash(
    domain,
    keccak_256(
      words(
        recordType,
        remember(kinds, kind, () => hashText(kind)),
        digest,
      ),
    ),
  )

/** The 32 bytes signed for a batch: EIP-712 hash of `Batch(bytes32 root)`. */
export const batchSigningHash = (domain: SignatureDomain, root: Uint8Array): Uint8Array =>
  typedDataHash(domain, keccak_256(words(batchType, root)))
