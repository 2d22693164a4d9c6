import type { Job, Offer, Reliability, SignedOffer } from '@muster/protocol'
import { expect, test } from 'vitest'
import { rankByAward } from './rank-by-award.ts'

const offer = (index: number): SignedOffer => ({
  record: { id: `ofr_${index}`, provider: `0x${index}`, price: { nanoUsd: 1_000n, per: 'task' } } as unknown as Offer,
  signature: '0x',
})
const jobWith = (award: string): Job => ({ order: { record: { award } } }) as unknown as Job
const offers = Array.from({ length: 10 }, (_, index) => offer(index))

/** The later in the list, the sounder. */
const records = {
  expect: async () => (provider: string) =>
    ({
      hazardPerHour: 1 / (1 + Number(provider.slice(2))),
      success: 1,
      startFactor: 1,
      durationFactor: 1,
    }) as Reliability,
  workOf: () => ({ durationMs: 3_600_000, startMs: 0, operators: 1, transferNanoUsd: 0, checkpoint: null }),
}
const rankedBy = async (award: string) =>
  (await rankByAward(jobWith(award), offers, records)).map(({ offer: { record } }) => Number(record.id.slice(4)))

test('under `lowest` offers stay as they are', async () => {
  expect(await rankedBy('lowest')).toEqual(offers.map((_, index) => index))
})

test('under `effective` the soundest of machines that ask the same comes first', async () => {
  const ranked = await rankedBy('effective')
  expect(ranked.slice(0, 3)).toEqual([9, 8, 7])
  expect(ranked).toHaveLength(10)
})
