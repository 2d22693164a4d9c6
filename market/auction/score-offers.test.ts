import type { Reliability } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createMemoryBlobs } from '../blob/memory-blobs.ts'
import { testOffer, testOfferId, testProvider } from '../supply/test-offer.ts'
import { scoreOffers } from './score-offers.ts'

test('offers are ordered by what a finished task is expected to cost, with the figures it comes from', async () => {
  const sound: Reliability = { hazardPerHour: 0, success: 1, startFactor: 1, durationFactor: 1 }
  const [cheap, good] = [90n, 100n].map((nanoUsd, index) =>
    testOffer({ id: testOfferId(index), provider: testProvider(index), price: { nanoUsd, per: 'task' } }),
  ) as [ReturnType<typeof testOffer>, ReturnType<typeof testOffer>]
  const scored = await scoreOffers(
    [cheap, good],
    { program: null, runtime: 'noop', slots: 1 },
    {
      blobs: createMemoryBlobs(new Map()),
      records: {
        expect: async () => (provider) => (provider === testProvider(0) ? { ...sound, success: 0.5 } : sound),
        workOf: () => ({ durationMs: 1_000, startMs: 0, operators: 0, transferNanoUsd: 0, checkpoint: null }),
      },
    },
  )
  expect(scored.map(({ offer }) => offer)).toEqual([good, cheap])
  expect(scored.map(({ effective }) => [effective.nanoUsd, effective.starts])).toEqual([
    [100, 1],
    [180, 2],
  ])
})
