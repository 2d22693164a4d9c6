import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashTypedData, recoverAddress, verifyTypedData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { digestOf } from '../digest/digest.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { exampleClaim, exampleDomain, exampleKeys, exampleSigners } from '../vector/example-records.ts'
import { recordKinds } from '../vector/record-kinds.ts'
import type { Address } from './address.ts'
import { loadSecp256k1 } from './load-secp256k1.ts'
import { isWellFormedSignature, nobleSecp256k1, type Secp256k1 } from './secp256k1.ts'
import { signatureSchema } from './signed.ts'
import { createSigner, signRecord } from './signer.ts'
import { batchSigningHash, recordSigningHash } from './typed-data.ts'
import { createVerifier } from './verifier.ts'

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const native = await loadSecp256k1()

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => {
  const number = BigInt(toHex(bytes))
  return number > 0n && number < order
})
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 })
const domain = fc.record({
  chainId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  market: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => toHex(bytes) as Address),
})

const eip712 = (of: { chainId: number; market: Address }) => ({
  domain: { name: 'Muster', version: '1', chainId: of.chainId, verifyingContract: of.market },
  types: {
    Record: [
      { name: 'kind', type: 'string' },
      { name: 'digest', type: 'bytes32' },
    ],
    Batch: [{ name: 'root', type: 'bytes32' }],
  } as const,
})

const withV = (signature: Uint8Array, v: number): Uint8Array => Uint8Array.of(...signature.subarray(0, 64), v)
const word = (number: bigint): Uint8Array => fromHex(`0x${number.toString(16).padStart(64, '0')}`)
const joined = (r: bigint, s: bigint, v: number): Uint8Array => Uint8Array.of(...word(r), ...word(s), v)
const sOf = (signature: Uint8Array): bigint => BigInt(toHex(signature.subarray(32, 64)))
const rOf = (signature: Uint8Array): bigint => BigInt(toHex(signature.subarray(0, 32)))

describe('EIP-712, beside viem', () => {
  test('the hash of a record is that of its typed data', () => {
    fc.assert(
      fc.property(domain, fc.string({ unit: 'grapheme' }), digest, (of, kind, bytes) => {
        const message = { kind, digest: toHex(bytes) }
        const expected = hashTypedData({ ...eip712(of), primaryType: 'Record', message })
        expect(toHex(recordSigningHash(of, kind, bytes))).toBe(expected)
      }),
    )
  })

  test('the hash of a batch is that of its typed data', () => {
    fc.assert(
      fc.property(domain, digest, (of, root) => {
        const expected = hashTypedData({ ...eip712(of), primaryType: 'Batch', message: { root: toHex(root) } })
        expect(toHex(batchSigningHash(of, root))).toBe(expected)
      }),
    )
  })

  test('addresses are those of Ethereum accounts', () => {
    fc.assert(
      fc.property(key, (privateKey) => {
        const expected = privateKeyToAccount(toHex(privateKey)).address.toLowerCase()
        expect(createSigner(nobleSecp256k1, privateKey).address).toBe(expected)
      }),
      { numRuns: 20 },
    )
  })

  test('a wallet signs a record as a signer does, and checks what a signer signed', async () => {
    for (const { signer, example } of Object.values(recordKinds)) {
      const message = { kind: example.kind, digest: digestOf(example) }
      const typed = { ...eip712(exampleDomain), primaryType: 'Record' as const, message }
      const { signature } = signRecord(exampleSigners[signer], exampleDomain, example)
      const account = privateKeyToAccount(toHex(exampleKeys[signer]))
      expect(await account.signTypedData(typed)).toBe(signature)
      expect(await verifyTypedData({ ...typed, address: account.address, signature: signature as Hex })).toBe(true)
      const hash = toHex(recordSigningHash(exampleDomain, example.kind, fromHex(message.digest)))
      expect((await recoverAddress({ hash, signature: signature as Hex })).toLowerCase()).toBe(
        exampleSigners[signer].address,
      )
    }
  })
})

test.skipIf(native.name !== 'native')('the native signer and noble give the same bytes', () => {
  fc.assert(
    fc.property(key, digest, (privateKey, hash) => {
      const signature = nobleSecp256k1.sign(hash, privateKey)
      expect(toHex(native.sign(hash, privateKey))).toBe(toHex(signature))
      expect(toHex(native.publicKey(privateKey))).toBe(toHex(nobleSecp256k1.publicKey(privateKey)))
      expect(native.recover(hash, signature)).toEqual(nobleSecp256k1.recover(hash, signature))
    }),
    { numRuns: 50 },
  )
})

const implementations: [string, Secp256k1][] =
  native.name === 'native'
    ? [
        ['noble', nobleSecp256k1],
        ['native', native],
      ]
    : [['noble', nobleSecp256k1]]

describe.each(implementations)('signatures by %s', (_, secp256k1) => {
  const hash = fromHex(digestOf('something'))
  const signature = secp256k1.sign(hash, exampleKeys.tenant)
  const otherV = signature[64] === 27 ? 28 : 27

  test('are well formed and recover their key', () => {
    fc.assert(
      fc.property(key, digest, (privateKey, bytes) => {
        const made = secp256k1.sign(bytes, privateKey)
        expect(isWellFormedSignature(made)).toBe(true)
        expect(sOf(made)).toBeLessThanOrEqual(order / 2n)
        expect(secp256k1.recover(bytes, made)).toEqual(Uint8Array.from(secp256k1.publicKey(privateKey)))
      }),
      { numRuns: 30 },
    )
  })

  test.each<[string, Uint8Array]>([
    ['the high-s twin', joined(rOf(signature), order - sOf(signature), otherV)],
    ['the high-s twin with the same v', joined(rOf(signature), order - sOf(signature), signature[64] ?? 0)],
    ['v of 0', withV(signature, 0)],
    ['v of 1', withV(signature, 1)],
    ['v of 26', withV(signature, 26)],
    ['v of 29', withV(signature, 29)],
    ['v of 255', withV(signature, 255)],
    ['zeros', new Uint8Array(65)],
    ['zeros and a v', withV(new Uint8Array(65), 27)],
    ['r of zero', joined(0n, sOf(signature), 27)],
    ['s of zero', joined(rOf(signature), 0n, 27)],
    ['r of the order', joined(order, sOf(signature), 27)],
    ['r past the order', joined(2n ** 256n - 1n, sOf(signature), 27)],
    ['s of the order', joined(rOf(signature), order, 27)],
    ['64 bytes', signature.subarray(0, 64)],
    ['66 bytes', Uint8Array.of(...signature, 0)],
    ['nothing', new Uint8Array(0)],
  ])('%s is refused', (__, bytes) => {
    expect(secp256k1.recover(hash, bytes)).toBeUndefined()
  })

  test('v is 27 or 28', () => {
    const formed = Array.from({ length: 256 }, (___, v) => v).filter((v) => isWellFormedSignature(withV(signature, v)))
    expect(formed).toEqual([27, 28])
  })

  test('no other spelling of a signature is by the same key', () => {
    const expected = toHex(secp256k1.publicKey(exampleKeys.tenant))
    fc.assert(
      fc.property(fc.nat({ max: 64 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Uint8Array.from(signature)
        changed[at] = (changed[at] ?? 0) ^ flip
        const found = secp256k1.recover(hash, changed)
        expect(found === undefined ? 'none' : toHex(found)).not.toBe(expected)
      }),
      { numRuns: 300 },
    )
  })

  test('random signatures give a key or none, and never throw', () => {
    fc.assert(
      fc.property(digest, fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.constantFrom(27, 28), (bytes, rs, v) => {
        const found = secp256k1.recover(bytes, Uint8Array.of(...rs, v))
        expect(found?.length ?? 65).toBe(65)
      }),
      { numRuns: 100 },
    )
  })
})

describe('a verifier', () => {
  const verifier = createVerifier(native)
  const signed = signRecord(exampleSigners.provider, exampleDomain, exampleClaim)

  test('names the signer', () => {
    expect(verifier.signerOf(exampleDomain, signed)).toBe(exampleSigners.provider.address)
    expect(() => verifier.requireSigner(exampleDomain, signed, exampleSigners.provider.address)).not.toThrow()
  })

  test('refuses another signer and says who it was', () => {
    const expected = exampleSigners.tenant.address
    expect(() => verifier.requireSigner(exampleDomain, signed, expected)).toThrow(
      expect.objectContaining({
        code: 'signature_invalid',
        facts: { kind: 'claim', expected, found: exampleSigners.provider.address },
      }),
    )
  })

  test.each([
    ['chain', { ...exampleDomain, chainId: 1 }],
    ['market', { ...exampleDomain, market: exampleSigners.tenant.address }],
  ])('a signature for one %s says nothing on another', (_, other) => {
    expect(verifier.signerOf(other, signed)).not.toBe(exampleSigners.provider.address)
  })

  test('a record that names another market than the one it is signed for is by nobody', () => {
    const elsewhere = { ...exampleDomain, market: exampleSigners.tenant.address }
    const confused = signRecord(exampleSigners.provider, elsewhere, exampleClaim)
    expect(verifier.signerOf(elsewhere, confused)).toBeUndefined()
  })

  test('a signature for one kind says nothing of another', () => {
    const other = { record: { ...exampleClaim, kind: 'receipt' }, signature: signed.signature }
    expect(verifier.signerOf(exampleDomain, other)).not.toBe(exampleSigners.provider.address)
  })

  test('a record cannot be changed once its signature was checked, in no part of it', () => {
    const record = Object.freeze(structuredClone(exampleClaim))
    expect(verifier.signerOf(exampleDomain, { record, signature: signed.signature })).toBe(
      exampleSigners.provider.address,
    )
    expect(() => Object.assign(record, { lease: 'other' })).toThrow(TypeError)
    expect(() => Object.assign(record.meter, { slotMs: 0 })).toThrow(TypeError)
    expect(() => record.outputs.pop()).toThrow(TypeError)
  })

  test('every field of every kind of record is under its signature', () => {
    for (const { signer, example } of Object.values(recordKinds)) {
      const { signature } = signRecord(exampleSigners[signer], exampleDomain, example)
      for (const field of Object.keys(example)) {
        const record = { ...example, [field]: 'changed' }
        expect(verifier.signerOf(exampleDomain, { record, signature })).not.toBe(exampleSigners[signer].address)
      }
    }
  })
})

test('the schema of signatures refuses what is no signature', () => {
  const hex = toHex(nobleSecp256k1.sign(fromHex(digestOf(1)), exampleKeys.tenant))
  const root = digestOf(2)
  expect(signatureSchema.safeParse(hex).success).toBe(true)
  expect(signatureSchema.safeParse({ root, path: [root], signature: hex }).success).toBe(true)
  for (const wrong of [
    hex.slice(0, -2),
    hex.slice(0, -1),
    `${hex}00`,
    hex.slice(2),
    hex.toUpperCase(),
    `${hex}\n`,
    '',
    null,
    { root, path: Array<Hex>(25).fill(root), signature: hex },
    { root, path: ['0x00'], signature: hex },
    { root, path: [], signature: hex, more: 1 },
    { root: `${root}00`, path: [], signature: hex },
  ]) {
    expect(signatureSchema.safeParse(wrong).success).toBe(false)
  }
})
