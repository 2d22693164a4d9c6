import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import { hashTypedData, recoverAddress } from 'viem'
import { describe, expect, test } from 'vitest'
import { toJson } from '../api/json.ts'
import type { EffectivePrice, UnitOfWork } from '../auction/effective-price.ts'
import { signedTranscriptSchema } from '../auction/transcript.ts'
import { verifyTranscript } from '../auction/verify-transcript.ts'
import { decodeCanonical, encodeCanonical } from '../cbor/canonical.ts'
import { cidOf, parseCid, sha256OfCid } from '../digest/cid.ts'
import { digestOf } from '../digest/digest.ts'
import { fromHex, toHex, type Hex } from '../digest/hex.ts'
import { commitName, commitSpec } from '../job/commit-spec.ts'
import { jobSpecSchema } from '../job/job-spec.ts'
import { formatUsd, parseUsd } from '../money/money.ts'
import { chargeFor, priceSchema } from '../money/price.ts'
import type { Reliability } from '../record/estimate.ts'
import type { Address } from '../signature/address.ts'
import { nobleSecp256k1 } from '../signature/secp256k1.ts'
import type { BatchSignature, SignedRecord } from '../signature/signed.ts'
import { createSigner, signRecord } from '../signature/signer.ts'
import { createVerifier } from '../signature/verifier.ts'
import { makeVectors } from './make-vectors.ts'
import { recordKinds } from './record-kinds.ts'

const folder = path.join(import.meta.dirname, '../../docs/spec/vectors')
const read = (name: string): unknown => JSON.parse(readFileSync(path.join(folder, `${name}.json`), 'utf8'))
const sha256 = (...parts: Uint8Array[]): Hex => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return `0x${hash.digest('hex')}`
}

interface Domain {
  readonly chainId: number
  readonly market: Address
}

const typed = ({ chainId, market }: Domain) => ({
  domain: { name: 'Muster', version: '1', chainId, verifyingContract: market },
  types: {
    Record: [
      { name: 'kind', type: 'string' },
      { name: 'digest', type: 'bytes32' },
    ],
    Batch: [{ name: 'root', type: 'bytes32' }],
  } as const,
})

test('the files of the specification are what this code makes', () => {
  const made = makeVectors()
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  expect(files.toSorted()).toEqual(
    Object.keys(made)
      .map((name) => `${name}.json`)
      .toSorted(),
  )
  for (const [name, vectors] of Object.entries(made)) expect(read(name)).toEqual(JSON.parse(toJson(vectors)))
})

describe('canonical-cbor.json', () => {
  const { values, refused } = read('canonical-cbor') as {
    values: { note: string; bytes: Hex; value?: unknown; integer?: string; hex?: Hex }[]
    refused: { note: string; bytes: Hex }[]
  }

  test.each(values.map((each) => [each.note, each] as const))('%s', (_, { bytes, ...each }) => {
    const value =
      'value' in each ? each.value : 'integer' in each ? BigInt(each.integer ?? 0) : fromHex(each.hex ?? '0x')
    expect(toHex(encodeCanonical(value))).toBe(bytes)
    expect(decodeCanonical(fromHex(bytes))).toEqual(value)
    expect(decode(fromHex(bytes))).toEqual(value)
    expect(toHex(encode(value, rfc8949EncodeOptions))).toBe(bytes)
  })

  test.each(refused.map(({ note, bytes }) => [note, bytes] as const))('refuses %s', (_, bytes) => {
    expect(() => decodeCanonical(fromHex(bytes))).toThrow(expect.objectContaining({ code: 'record_invalid' }))
  })
})

describe('records.json', () => {
  const { domain, keys, records, spec } = read('records') as {
    domain: Domain
    keys: Record<string, { privateKey: Hex; address: Address }>
    records: {
      kind: string
      signer: string
      record: unknown
      bytes: Hex
      digest: Hex
      signingHash: Hex
      signature: Hex
    }[]
    spec: { value: unknown; nameSalt: Hex; nameCommitment: Hex; digest: Hex }
  }

  test('has a record of every kind', () => {
    expect(records.map(({ kind }) => kind)).toEqual(Object.keys(recordKinds))
  })

  test.each(records.map((each) => [each.kind, each] as const))('%s', async (kind, each) => {
    const schema = recordKinds[kind]?.schema
    const key = keys[each.signer]
    if (schema === undefined || key === undefined) throw new TypeError(`no record is of kind ${kind}`)
    const record = schema.parse(each.record)
    expect(toHex(encodeCanonical(record))).toBe(each.bytes)
    expect(schema.parse(decodeCanonical(fromHex(each.bytes)))).toEqual(record)
    expect(JSON.parse(toJson(record))).toEqual(each.record)
    expect(sha256(fromHex(each.bytes))).toBe(each.digest)
    const message = { kind, digest: each.digest }
    expect(hashTypedData({ ...typed(domain), primaryType: 'Record', message })).toBe(each.signingHash)
    expect((await recoverAddress({ hash: each.signingHash, signature: each.signature })).toLowerCase()).toBe(
      key.address,
    )
    const { signature } = each
    expect(createVerifier(nobleSecp256k1).signerOf(domain, { record, signature })).toBe(key.address)
    const signer = createSigner(nobleSecp256k1, fromHex(key.privateKey))
    expect(signRecord(signer, domain, record).signature).toBe(signature)
  })

  test('the digest of the spec that the order names', () => {
    const written = jobSpecSchema.parse(spec.value)
    expect(commitName(written.name, spec.nameSalt)).toBe(spec.nameCommitment)
    expect(digestOf(commitSpec(written, spec.nameSalt))).toBe(spec.digest)
    expect(records.find(({ kind }) => kind === 'order')?.record).toMatchObject({ job: spec.digest })
  })
})

describe('batches.json', () => {
  const { domain, signer, batches } = read('batches') as {
    domain: Domain
    signer: Address
    batches: { signingHash: Hex; records: { leaf: Hex; record: unknown; signature: BatchSignature }[] }[]
  }

  test.each(batches.map((each) => [each.records.length, each] as const))(
    'of %i records',
    async (_, { signingHash, records }) => {
      const verifier = createVerifier(nobleSecp256k1)
      for (const { leaf, record: json, signature } of records) {
        const record = recordKinds['claim']?.schema.parse(json) as SignedRecord
        expect(verifier.signerOf(domain, { record, signature })).toBe(signer)
        const digest = fromHex(sha256(encodeCanonical(record)))
        expect(sha256(Uint8Array.of(0), digest, new TextEncoder().encode('claim'))).toBe(leaf)
        const root = signature.path.reduce<Hex>((node, sibling) => {
          const [first, second] = [node, sibling].toSorted()
          return sha256(Uint8Array.of(1), fromHex(first ?? '0x'), fromHex(second ?? '0x'))
        }, leaf)
        expect(root).toBe(signature.root)
        expect(hashTypedData({ ...typed(domain), primaryType: 'Batch', message: { root } })).toBe(signingHash)
        expect((await recoverAddress({ hash: signingHash, signature: signature.signature })).toLowerCase()).toBe(signer)
      }
    },
  )
})

test('money.json', () => {
  const { amounts, charges } = read('money') as {
    amounts: { nanoUsd: string; text: string }[]
    charges: { price: unknown; usage: { operators: number; slotMs: number }; charge: string }[]
  }
  for (const { nanoUsd, text } of amounts) {
    expect(formatUsd(BigInt(nanoUsd))).toBe(text)
    expect(parseUsd(text.replace('$', ''))).toBe(BigInt(nanoUsd))
  }
  for (const { price, usage, charge } of charges)
    expect(chargeFor(priceSchema.parse(price), usage)).toBe(BigInt(charge))
})

test('cids.json', () => {
  const { blobs } = read('cids') as { blobs: { bytes: Hex; cid: string }[] }
  for (const { bytes, cid } of blobs) {
    expect(cidOf(fromHex(bytes))).toBe(cid)
    expect(toHex(sha256OfCid(parseCid(cid)))).toBe(sha256(fromHex(bytes)))
  }
})

describe('awards.json', () => {
  interface AwardVector {
    readonly price: { readonly nanoUsd: string; readonly per: string }
    readonly reliability: Reliability
    readonly work: UnitOfWork
    readonly effective: EffectivePrice
  }
  const { awards } = read('awards') as { awards: AwardVector[] }

  test.each(awards)('$price.per at $reliability', ({ price, reliability, work, effective }) => {
    const { hazardPerHour: hazard, success, startFactor, durationFactor } = reliability
    const moving = (reliability.transferMs ?? 0) / 3_600_000
    const start = (work.startMs * startFactor) / 3_600_000
    const whole = (work.durationMs * durationFactor) / 3_600_000
    const took = (work.checkpoint?.tookMs ?? 0) / 3_600_000
    const everyMs = work.checkpoint?.everyMs ?? null
    const every = everyMs === null ? Math.sqrt((2 * took) / hazard) : everyMs / 3_600_000
    const segments = work.checkpoint === null ? 1 : Math.ceil(whole / every)
    const segment = whole / segments + (work.checkpoint?.tookMs ?? 0) / 3_600_000
    const undisturbed = start + segments * segment
    const first = moving + start
    const losses = Math.expm1(hazard * first) + segments * Math.exp(hazard * first) * Math.expm1(hazard * segment)
    const hours = hazard < 1e-9 ? moving + undisturbed : losses / hazard
    const paid = { hour: undisturbed, operator: work.operators, task: 1 }[price.per] ?? 0
    const lost = hazard < 1e-9 ? 0 : losses
    const expected =
      (Number(price.nanoUsd) * paid * hours) / undisturbed / success +
      (work.transferNanoUsd * (1 + lost) + (work.checkpoint?.nanoUsd ?? 0) * segments) / success
    expect(Math.abs(effective.nanoUsd - expected)).toBeLessThan(1e-9 * expected)
  })
})

test('auctions.json', () => {
  const { domain, seals, transcript, digest } = read('auctions') as {
    domain: Domain
    seals: { sealed: Record<string, string> & { provider: Address }; seal: Hex; tie: Hex }[]
    transcript: unknown
    digest: Hex
  }
  const signed = signedTranscriptSchema.parse(transcript)
  const { closing, bids } = signed.record
  for (const { sealed, seal, tie } of seals) {
    expect(sha256(encode(sealed, rfc8949EncodeOptions))).toBe(seal)
    expect(sha256(fromHex(closing.record.root), fromHex(sealed.provider))).toBe(tie)
  }
  expect(seals.map(({ seal }) => seal)).toEqual(bids.map(({ seal }) => seal))
  expect(digestOf(signed.record)).toBe(digest)
  const failed = verifyTranscript(createVerifier(nobleSecp256k1), domain, signed).filter(({ holds }) => !holds)
  expect(failed).toEqual([])
})
