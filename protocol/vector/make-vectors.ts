import { toJson } from '../api/json.ts'
import { tieOf } from '../auction/award-sealed.ts'
import { effectivePrice, type UnitOfWork } from '../auction/effective-price.ts'
import { chainOf, type ChainMatrix } from '../benchmark/matrix-chain.ts'
import { networkProof } from '../benchmark/network-proof.ts'
import { seededWords } from '../benchmark/seeded-words.ts'
import { encodeCanonical } from '../cbor/canonical.ts'
import { cidOf } from '../digest/cid.ts'
import { digestBytes, digestOf } from '../digest/digest.ts'
import { fromHex, toHex } from '../digest/hex.ts'
import { formatUsd } from '../money/money.ts'
import { chargeFor, type PriceUnit } from '../money/price.ts'
import type { Reliability } from '../record/estimate.ts'
import { merkleLeaf } from '../signature/merkle.ts'
import type { SignedRecord } from '../signature/signed.ts'
import { signBatch, signRecord } from '../signature/signer.ts'
import { batchSigningHash, recordSigningHash } from '../signature/typed-data.ts'
import {
  exampleClaim,
  exampleDomain,
  exampleKeys,
  exampleCommittedSpec,
  exampleSalt,
  exampleSigners,
  exampleSpec,
} from './example-records.ts'
import { exampleTranscript } from './example-auction.ts'
import { recordKinds } from './record-kinds.ts'

const plain = (value: unknown): unknown => JSON.parse(toJson(value))

const bytesHex = (value: unknown) => toHex(encodeCanonical(value))

const canonicalValues: readonly (readonly [note: string, value: unknown])[] = [
  ['zero', 0],
  ['the largest integer in one byte', 23],
  ['the smallest integer in two bytes', 24],
  ['two bytes more', 256],
  ['four bytes more', 65_536],
  ['eight bytes more', 4_294_967_296],
  ['a time', 1_790_000_000_000],
  ['minus one', -1],
  ['minus five hundred', -500],
  ['empty text', ''],
  ['text', 'muster'],
  ['text outside ASCII', 'Überprüfung 🙂'],
  ['true', true],
  ['false', false],
  ['null', null],
  ['an empty list', []],
  ['a list of lists', [1, [2, [3]]]],
  ['an empty map', {}],
  ['keys in order of their length, then of their bytes', { b: 1, aa: 2, a: 3, é: 4, 'a-longer-key': 5 }],
]

const refusedBytes: readonly (readonly [note: string, hex: string])[] = [
  ['nothing', '0x'],
  ['something after the item', '0x0101'],
  ['23 in two bytes', '0x1817'],
  ['255 in three bytes', '0x1900ff'],
  ['65535 in five bytes', '0x1a0000ffff'],
  ['4294967295 in nine bytes', '0x1b00000000ffffffff'],
  ['a list of indefinite length', '0x9f01ff'],
  ['a map of indefinite length', '0xbf616101ff'],
  ['a tag', '0xc100'],
  ['a half-precision float', '0xf93c00'],
  ['a double that is a whole number', '0xfb3ff0000000000000'],
  ['undefined', '0xf7'],
  ['a repeated key', '0xa2616101616102'],
  ['keys out of order', '0xa2616201616101'],
  ['a key that is a number', '0xa10101'],
  ['text that is not UTF-8', '0x62c328'],
  ['a text cut short', '0x6261'],
  ['a list of 2^64-1 items', '0x9bffffffffffffffff'],
]

const canonicalVectors = () => ({
  description: 'Deterministic CBOR: each value and its only encoding, and bytes that every reader refuses.',
  values: [
    ...canonicalValues.map(([note, value]) => ({ note, value, bytes: bytesHex(value) })),
    { note: 'the largest amount, given in decimal', integer: '9223372036854775807', bytes: bytesHex(2n ** 63n - 1n) },
    { note: 'the smallest amount, given in decimal', integer: '-9223372036854775808', bytes: bytesHex(-(2n ** 63n)) },
    { note: 'bytes, given in hex', hex: '0x00ff10', bytes: bytesHex(Uint8Array.of(0, 255, 16)) },
  ],
  refused: refusedBytes.map(([note, bytes]) => ({ note, bytes })),
})

const recordVectors = () => ({
  description:
    'One record of each kind: its JSON, canonical bytes, digest, the hash that is signed, and the signature.',
  domain: exampleDomain,
  keys: Object.fromEntries(
    Object.entries(exampleKeys).map(([who, key]) => [
      who,
      { privateKey: toHex(key), address: exampleSigners[who as keyof typeof exampleSigners].address },
    ]),
  ),
  records: Object.entries(recordKinds).map(([kind, { signer, example }]) => {
    const digest = digestOf(example)
    return {
      kind,
      signer,
      record: plain(example),
      bytes: bytesHex(example),
      digest,
      signingHash: toHex(recordSigningHash(exampleDomain, kind, fromHex(digest))),
      signature: signRecord(exampleSigners[signer], exampleDomain, example).signature,
    }
  }),
  spec: {
    note: 'Not signed itself: an order names its digest, with a commitment in place of the name.',
    value: plain(exampleSpec),
    nameSalt: exampleSalt,
    nameCommitment: exampleCommittedSpec.nameCommitment,
    digest: digestOf(exampleCommittedSpec),
  },
})

const batchVectors = () => ({
  description: 'Batches of claims that differ in their meter only, signed by the provider with one signature each.',
  domain: exampleDomain,
  signer: exampleSigners.provider.address,
  batches: [2, 3, 5].map((size) => {
    const records: SignedRecord[] = Array.from({ length: size }, (_, index) => ({
      ...exampleClaim,
      meter: { ...exampleClaim.meter, slotMs: index },
    }))
    const signed = signBatch(exampleSigners.provider, exampleDomain, records)
    const [first] = signed
    const root = typeof first?.signature === 'object' ? first.signature.root : '0x'
    return {
      signingHash: toHex(batchSigningHash(exampleDomain, fromHex(root))),
      records: signed.map(({ record, signature }) => ({
        leaf: merkleLeaf(record.kind, digestOf(record)),
        record: plain(record),
        signature,
      })),
    }
  }),
})

const charges: readonly (readonly [nanoUsd: bigint, per: PriceUnit, operators: number, slotMs: number])[] = [
  [125n, 'task', 278, 812],
  [125n, 'operator', 278, 812],
  [20_000_000n, 'hour', 278, 50],
  [1_800_000n, 'hour', 0, 1],
  [1_799_999n, 'hour', 0, 1],
  [9_000_000_000n, 'hour', 0, 3_600_000],
]

const moneyVectors = () => ({
  description: 'Amounts as dollars, and what a usage costs at a price, rounded half up once.',
  amounts: [0n, 1n, -1n, 12_500n, 1_500_000_000n, 999_999_999_999_999_999n].map((amount) => ({
    nanoUsd: amount.toString(),
    text: formatUsd(amount),
  })),
  charges: charges.map(([nanoUsd, per, operators, slotMs]) => ({
    price: { nanoUsd: nanoUsd.toString(), per },
    usage: { operators, slotMs },
    charge: chargeFor({ nanoUsd, per }, { operators, slotMs }).toString(),
  })),
})

const cidVectors = () => ({
  description: 'Blobs and their names.',
  blobs: ['', 'muster', 'program'].map((text) => {
    const bytes = new TextEncoder().encode(text)
    return { bytes: toHex(bytes), cid: cidOf(bytes) }
  }),
})

const task: UnitOfWork = { durationMs: 1_800_000, startMs: 0, operators: 278, transferNanoUsd: 0, checkpoint: null }
const sound: Reliability = { hazardPerHour: 0, success: 1, startFactor: 1, durationFactor: 1 }
const unknown: Reliability = { hazardPerHour: 1 / 60, success: 8.5 / 9, startFactor: 1.8, durationFactor: 1.25 }
const checkpoint = { everyMs: 600_000, tookMs: 20_000, nanoUsd: 1_000 }

const awards: readonly (readonly [per: PriceUnit, reliability: Reliability, work: UnitOfWork])[] = [
  ['task', sound, task],
  ['operator', sound, task],
  ['hour', { ...sound, durationFactor: 3 }, task],
  ['task', { ...sound, hazardPerHour: 0.5 }, task],
  ['task', { ...sound, hazardPerHour: 1e-10 }, task],
  ['hour', unknown, { ...task, startMs: 60_000, transferNanoUsd: 50_000 }],
  ['hour', unknown, { ...task, durationMs: 72_000_000, startMs: 60_000, transferNanoUsd: 50_000, checkpoint }],
  ['hour', { ...unknown, hazardPerHour: 2 }, { ...task, durationMs: 72_000_000 }],
  ['hour', { ...unknown, transferMs: 90_000 }, { ...task, startMs: 60_000, transferNanoUsd: 50_000 }],
  ['task', { ...unknown, hazardPerHour: 0.5, transferMs: 600_000 }, task],
  [
    'hour',
    { ...unknown, hazardPerHour: 0.5, transferMs: 90_000 },
    { ...task, durationMs: 72_000_000, startMs: 60_000, checkpoint: { ...checkpoint, everyMs: null } },
  ],
]

const awardVectors = () => ({
  description:
    'What a finished unit is expected to cost under the rule effective, at a price of 100000000 nano-dollars.',
  awards: awards.map(([per, reliability, work]) => ({
    price: { nanoUsd: '100000000', per },
    reliability,
    work,
    effective: effectivePrice({ price: { nanoUsd: 100_000_000n, per } }, reliability, work),
  })),
})

const auctionVectors = () => ({
  description:
    'A sealed auction of one slot, second price: what each bid is sealed from, what breaks ties, and the signed transcript.',
  domain: exampleDomain,
  seals: exampleTranscript.bids.map(({ provider, seal, reveal }) => ({
    sealed: {
      auction: exampleTranscript.auction,
      order: exampleTranscript.closing.record.order,
      provider,
      reservation: digestOf(reveal?.reservation.record ?? null),
      salt: reveal?.salt,
    },
    seal,
    tie: tieOf(exampleTranscript.closing.record.root, provider),
  })),
  transcript: plain(signRecord(exampleSigners.market, exampleDomain, exampleTranscript)),
  digest: digestOf(exampleTranscript),
})

const chainSeed = toHex(new Uint8Array(32).fill(0x77))
const chainWorks = [
  { width: 32, layers: 2, columns: 3 },
  { width: 768, layers: 8, columns: 2048 },
]

const matrixVector = ({ rows, columns, cells }: ChainMatrix) => ({
  rows,
  columns,
  first: [...cells.subarray(0, 8)],
  sha256: toHex(digestBytes(cells)),
})

const benchmarkVectors = () => {
  const words = seededWords(chainSeed, 'sizes')
  const blob = new TextEncoder().encode('muster')
  return {
    description:
      'What follows from the seed of a benchmark: words, sizes, matrices, and the proof that a blob arrived.',
    seed: chainSeed,
    words: { label: 'sizes', first: [words(), words(), words(), words()] },
    chains: chainWorks.map((work) => {
      const chain = chainOf(chainSeed, work)
      const factors = work.layers <= 2 ? work.layers : 1
      return {
        work,
        sizes: chain.sizes,
        operations: chain.flops,
        x: matrixVector(chain.start()),
        factors: Array.from({ length: factors }, (_, index) => matrixVector(chain.factor(index))),
      }
    }),
    network: { blob: toHex(blob), proof: networkProof(chainSeed, blob) },
  }
}

/** The test vectors of the specification, by the name of their file. */
export const makeVectors = (): Record<string, object> => ({
  'canonical-cbor': canonicalVectors(),
  records: recordVectors(),
  batches: batchVectors(),
  benchmarks: benchmarkVectors(),
  money: moneyVectors(),
  cids: cidVectors(),
  awards: awardVectors(),
  auctions: auctionVectors(),
})
