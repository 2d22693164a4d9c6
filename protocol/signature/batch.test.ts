import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../digest/digest.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { exampleDomain, exampleKeys, exampleSigners } from '../vector/example-records.ts'
import { loadSecp256k1 } from './load-secp256k1.ts'
import { merkleLeaf, merkleNode, merkleRoot, merkleTree } from './merkle.ts'
import type { BatchSignature, Signed, SignedRecord } from './signed.ts'
import { batchRoot, batchTree, createSigner, signBatch, signTogether, spreadSignature } from './signer.ts'
import { createVerifier } from './verifier.ts'

const secp256k1 = await loadSecp256k1()
const signer = createSigner(secp256k1, exampleKeys.provider)

interface Note extends SignedRecord {
  readonly number: number
}

const notes = (size: number): Note[] =>
  Array.from({ length: size }, (_, number) => ({ kind: `note${number % 3}`, number }))
const leaves = (size: number) => notes(size).map((note) => merkleLeaf(note.kind, digestOf(note)))
const batchOf = ({ signature }: Signed<Note>): BatchSignature => {
  if (typeof signature === 'string') throw new TypeError('expected a batch signature')
  return signature
}

const flip = (hex: Hex, at: number): Hex => {
  const bytes = fromHex(hex)
  bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1
  return toHex(bytes)
}

const size = fc.integer({ min: 2, max: 300 })

describe('a batch', () => {
  test('of nothing needs no signature, of one has a plain one', () => {
    expect(signBatch(signer, exampleDomain, [])).toEqual([])
    const [only] = signBatch(signer, exampleDomain, notes(1))
    expect(only?.signature).toMatch(/^0x[0-9a-f]{130}$/)
    expect(only && createVerifier(secp256k1).signerOf(exampleDomain, only)).toBe(signer.address)
  })

  test('of any size holds for every record in it', () => {
    fc.assert(
      fc.property(size, (count) => {
        const verifier = createVerifier(secp256k1)
        const signed = signBatch(signer, exampleDomain, notes(count))
        expect(signed).toHaveLength(count)
        for (const each of signed) {
          expect(verifier.signerOf(exampleDomain, each)).toBe(signer.address)
          expect(batchOf(each).path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count)))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('costs its verifier one recovery', () => {
    let recoveries = 0
    const counting = createVerifier({
      ...secp256k1,
      recover: (digest, signature) => {
        recoveries++
        return secp256k1.recover(digest, signature)
      },
    })
    for (const each of signBatch(signer, exampleDomain, notes(300))) counting.signerOf(exampleDomain, each)
    expect(recoveries).toBe(1)
  })

  test('is forgotten once what was remembered of all of them grows too large', () => {
    let recoveries = 0
    const verifier = createVerifier({
      ...secp256k1,
      recover: (...given) => (recoveries++, secp256k1.recover(...given)),
    })
    const batches = Array.from({ length: 5 }, (_, batch) =>
      signBatch(
        signer,
        exampleDomain,
        notes(3_000).map((note) => ({ ...note, number: note.number + batch * 10_000 })),
      ),
    )
    const read = (batch: readonly Signed<Note>[] | undefined): void => {
      for (const each of batch ?? []) expect(verifier.signerOf(exampleDomain, each)).toBe(signer.address)
    }
    for (const batch of batches) read(batch)
    expect(recoveries).toBe(5)
    read(batches.at(-1))
    expect(recoveries).toBe(5)
    read(batches[0])
    expect(recoveries).toBe(6)
  })

  test('holds for nothing that was changed', () => {
    const at = fc.nat({ max: 300 })
    fc.assert(
      fc.property(size, fc.nat(), at, fc.nat({ max: 64 }), (count, chosen, place, byte) => {
        const signed = signBatch(signer, exampleDomain, notes(count))
        const each = signed[chosen % count]
        const other = signed[(chosen + 1) % count]
        if (each === undefined || other === undefined) throw new RangeError('no such record')
        const { root, path, signature } = batchOf(each)
        const step = place % path.length
        const changed = path.map((sibling, index) => (index === step ? flip(sibling, byte) : sibling))
        const forged: Signed<Note>[] = [
          { ...each, record: { ...each.record, number: -1 } },
          { ...each, record: { ...each.record, kind: 'other' } },
          { ...each, record: other.record },
          { ...each, signature: { root: flip(root, byte), path, signature } },
          { ...each, signature: { root, path: changed, signature } },
          { ...each, signature: { root, path: path.slice(0, -1), signature } },
          { ...each, signature: { root, path: path.slice(1), signature } },
          { ...each, signature: { root, path: [...path, root], signature } },
          { ...each, signature: { root, path, signature: flip(signature, byte) } },
          { ...each, signature },
        ]
        const verifier = createVerifier(secp256k1)
        verifier.signerOf(exampleDomain, each)
        for (const wrong of forged) expect(verifier.signerOf(exampleDomain, wrong)).not.toBe(signer.address)
      }),
      { numRuns: 40 },
    )
  })

  test('says nothing on another chain, also once its root is known', () => {
    const verifier = createVerifier(secp256k1)
    for (const each of signBatch(signer, exampleDomain, notes(3))) {
      expect(verifier.signerOf(exampleDomain, each)).toBe(signer.address)
      expect(verifier.signerOf({ ...exampleDomain, chainId: 1 }, each)).not.toBe(signer.address)
    }
  })

  test('of another signer does not pass once a root is known', () => {
    const verifier = createVerifier(secp256k1)
    const [mine] = signBatch(signer, exampleDomain, notes(2))
    const [theirs] = signBatch(exampleSigners.tenant, exampleDomain, notes(2))
    if (mine === undefined || theirs === undefined) throw new RangeError('no such record')
    expect(verifier.signerOf(exampleDomain, mine)).toBe(signer.address)
    expect(verifier.signerOf(exampleDomain, theirs)).toBe(exampleSigners.tenant.address)
  })

  test('is still known for what it is after many others', () => {
    const verifier = createVerifier(secp256k1)
    const [first] = signBatch(signer, exampleDomain, notes(2))
    if (first === undefined) throw new RangeError('no such record')
    for (let i = 0; i < 300; i++) {
      for (const each of signBatch(signer, exampleDomain, [
        { kind: 'a', number: i },
        { kind: 'b', number: i },
      ])) {
        expect(verifier.signerOf(exampleDomain, each)).toBe(signer.address)
      }
    }
    expect(verifier.signerOf(exampleDomain, first)).toBe(signer.address)
  })
})

describe('a Merkle tree', () => {
  test('leads from every leaf to its root, whatever its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), (count) => {
        const { root, paths } = merkleTree(leaves(count))
        for (const [index, leaf] of leaves(count).entries()) {
          expect(merkleRoot(leaf, paths[index] ?? [])).toBe(root)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('has a root of its own for each list of leaves', () => {
    const roots = Array.from({ length: 64 }, (_, count) => merkleTree(leaves(count + 1)).root)
    expect(new Set(roots).size).toBe(64)
  })

  test('takes no inner node for a leaf', () => {
    const [a, b] = leaves(2)
    if (a === undefined || b === undefined) throw new RangeError('no such leaf')
    const node = merkleNode(a, b)
    expect(merkleLeaf('', node)).not.toBe(node)
    expect(merkleNode(b, a)).toBe(node)
  })

  test('needs a leaf', () => {
    expect(() => merkleTree([])).toThrow(RangeError)
  })

  test('that travels whole needs its signature only, and each record comes out as it was signed alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (count) => {
        const verifier = createVerifier(secp256k1)
        const records = notes(count)
        const signature = signTogether(signer, exampleDomain, records)
        verifier.requireBatch(exampleDomain, records, signature, signer.address)
        expect(batchRoot(records)).toBe(batchTree(records).root)
        expect(spreadSignature(records, batchTree(records), signature)).toEqual(
          signBatch(signer, exampleDomain, records),
        )
      }),
      { numRuns: 30 },
    )
  })

  test('that travels whole is refused where one record is changed, left out, added or moved, or by another key', () => {
    const verifier = createVerifier(secp256k1)
    const [first, second, third, fourth] = notes(4)
    if (first === undefined || second === undefined || third === undefined || fourth === undefined)
      throw new RangeError()
    const signature = signTogether(signer, exampleDomain, [first, second, third])
    const take = (records: readonly Note[], by = signer.address) =>
      verifier.requireBatch(exampleDomain, records, signature, by)
    take([first, second, third])
    const wrong = expect.objectContaining({ code: 'signature_invalid' })
    expect(() => take([first, second, { ...third, number: 9 }])).toThrow(wrong)
    expect(() => take([first, second])).toThrow(wrong)
    expect(() => take([first])).toThrow(wrong)
    expect(() => take([first, second, third, fourth])).toThrow(wrong)
    expect(() => take([first, third, second])).toThrow(wrong)
    expect(() => take([first, second, third], exampleSigners.tenant.address)).toThrow(wrong)
    expect(() => take([])).toThrow(RangeError)
  })

  test('that travels whole holds no record for another market', () => {
    const verifier = createVerifier(secp256k1)
    const records = notes(2).map((note) => ({ ...note, market: exampleSigners.tenant.address }))
    const signature = signTogether(signer, exampleDomain, records)
    expect(() => verifier.requireBatch(exampleDomain, records, signature, signer.address)).toThrow(
      expect.objectContaining({ code: 'signature_invalid' }),
    )
  })
})
