import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toJson } from '../api/json.ts'
import { transcriptBundleSchema } from '../api/auction-routes.ts'
import { outputsOf } from '../arbitrary/arbitrary-of.ts'
import { decodeCanonical, encodeCanonical } from '../cbor/canonical.ts'
import { digestOf } from '../digest/digest.ts'
import { toHex } from '../digest/hex.ts'
import { nobleSecp256k1 } from '../signature/secp256k1.ts'
import { signRecord } from '../signature/signer.ts'
import { createVerifier } from '../signature/verifier.ts'
import { exampleRival, exampleTranscript } from '../vector/example-auction.ts'
import { exampleDomain, exampleSigners } from '../vector/example-records.ts'
import { readScores, writeScores } from './scores.ts'
import { transcriptSchema, signedTranscriptSchema, type Transcript } from './transcript.ts'
import { verifyTranscript } from './verify-transcript.ts'

const verifier = createVerifier(nobleSecp256k1)
const failures = (record: Transcript, signer = exampleSigners.market) =>
  verifyTranscript(verifier, exampleDomain, signRecord(signer, exampleDomain, record))
    .filter(({ holds }) => !holds)
    .map(({ name }) => name)

test('the example was decided by the rule: the lower bid won, at the price of the other', () => {
  expect(failures(exampleTranscript)).toEqual([])
  expect(exampleTranscript.award.winners).toMatchObject([
    { provider: exampleSigners.provider.address, slots: 1, price: { nanoUsd: 140n } },
  ])
})

const [winner] = exampleTranscript.award.winners
if (winner === undefined) throw new Error('a winner')
const { closing, bids } = exampleTranscript

describe('it is found where', () => {
  const rule = 'the award follows the rule'
  const list = 'the bids are those of the closing list'
  const signed = 'every bid is signed by its provider'

  test.each<[string, Partial<Transcript>, string[]]>([
    [
      'another won',
      { award: { ...exampleTranscript.award, winners: [{ ...winner, provider: exampleRival.address }] } },
      [rule],
    ],
    [
      'it is paid more',
      { award: { ...exampleTranscript.award, winners: [{ ...winner, price: { ...winner.price, nanoUsd: 141n } }] } },
      [rule],
    ],
    [
      'it is paid its bid',
      { award: { ...exampleTranscript.award, winners: [{ ...winner, price: { ...winner.price, nanoUsd: 125n } }] } },
      [rule],
    ],
    ['nobody won', { award: { winners: [], refused: [] } }, [rule]],
    [
      'a bid is refused that counts',
      { award: { winners: [winner], refused: [{ provider: exampleRival.address, reason: 'late' }] } },
      [rule],
    ],
    ['a bid was left out', { bids: bids.slice(0, 1) }, [list, rule]],
    ['a bid is said not to be opened', { bids: bids.map((bid) => ({ ...bid, reveal: null })) }, [rule]],
    [
      'a bid was made up',
      { bids: [...bids, ...bids.slice(0, 1).map((bid) => ({ ...bid, provider: exampleSigners.market.address }))] },
      [list, signed, rule],
    ],
    [
      'a price was altered',
      {
        bids: bids.map((bid) => ({
          ...bid,
          reveal: bid.reveal && {
            ...bid.reveal,
            reservation: {
              ...bid.reveal.reservation,
              record: { ...bid.reveal.reservation.record, price: { nanoUsd: 1n, per: 'operator' as const } },
            },
          },
        })),
      },
      [signed, rule],
    ],
    [
      'figures are stated that the rule does not use',
      {
        scores: writeScores(
          { durationMs: 1, startMs: 0, operators: 1, transferNanoUsd: 0, checkpoint: null },
          new Map(),
        ),
      },
      ['the scores rest on stated figures'],
    ],
    ['it closed before its time', { openedAt: closing.record.closedAt - 199 }, ['it closed when the window was over']],
    [
      'it is of another auction',
      { auction: 'auc_01K5KRN0M0ABCDEFGHJKMNPQS9' as Transcript['auction'] },
      ['the closing list is the market’s, and of this auction and order'],
    ],
    [
      'the list is signed by somebody else',
      { closing: signRecord(exampleRival, exampleDomain, closing.record) },
      ['the closing list is the market’s, and of this auction and order'],
    ],
  ])('%s', (_, change, expected) => {
    expect(failures({ ...exampleTranscript, ...change })).toEqual(expected)
  })

  test('the market did not sign', () => {
    expect(failures(exampleTranscript, exampleRival)).toEqual(['the market signed the transcript'])
  })
})

test('a transcript is the same after JSON and CBOR', () => {
  const transcript = signRecord(exampleSigners.market, exampleDomain, exampleTranscript)
  const read = transcriptBundleSchema.parse(JSON.parse(toJson({ chainId: 31_337, transcript })))
  expect(digestOf(read.transcript.record)).toBe(digestOf(exampleTranscript))
  const decoded = signedTranscriptSchema.parse(decodeCanonical(encodeCanonical(transcript)))
  expect(verifyTranscript(verifier, exampleDomain, decoded).every(({ holds }) => holds)).toBe(true)
})

test('no transcript, whatever is in it, makes the check throw', () => {
  fc.assert(
    fc.property(outputsOf(transcriptSchema), (record) => {
      const checks = verifyTranscript(verifier, exampleDomain, { record, signature: toHex(new Uint8Array(65)) })
      expect(checks.some(({ holds }) => !holds)).toBe(true)
    }),
    { numRuns: 30 },
  )
})

test('figures of scores are read back as they were written, to the bit', () => {
  const figure = fc.double({ min: 0, max: 1e12, noNaN: true })
  fc.assert(
    fc.property(figure, figure, (hazardPerHour, durationFactor) => {
      const work = { durationMs: durationFactor, startMs: 0, operators: 3, transferNanoUsd: 0, checkpoint: null }
      const known = { hazardPerHour, success: 1, startFactor: 1, durationFactor }
      const provider = exampleRival.address
      const read = readScores(writeScores(work, new Map([[provider, known]])))
      expect(read).toEqual({ work, reliability: new Map([[provider, known]]) })
    }),
  )
  expect(() =>
    writeScores({ durationMs: NaN, startMs: 0, operators: 1, transferNanoUsd: 0, checkpoint: null }, new Map()),
  ).toThrow(RangeError)
})
