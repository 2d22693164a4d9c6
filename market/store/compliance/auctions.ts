import {
  derivedId,
  digestOf,
  sealOf,
  toHex,
  type AuctionId,
  type JobId,
  type SignedTranscript,
  type TenantId,
  type Transcript,
} from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { address, at, someEvent, someId, submitted } from '../test-records.ts'
import { append, codes, type OpenStore } from './expectations.ts'

const signature = toHex(new Uint8Array(65).fill(5))
const provider = address('b')
const market = address('a')

/** A transcript with one bid, as large as `padding` GPUs make it. */
const someTranscript = (job: JobId, tenant: TenantId, auction: AuctionId, padding = 0): SignedTranscript => {
  const event = submitted(job, tenant)
  if (event.type !== 'submitted') throw new Error('a submitted event')
  const order: Transcript['order'] = {
    record: { ...event.order.record, auction: { windowMs: 200, pricing: 'second-price' } },
    signature,
  }
  const orderDigest = digestOf(order.record)
  const reservation: SignedTranscript['record']['bids'][number]['reveal'] = {
    reservation: {
      record: {
        kind: 'reservation',
        id: someId('reservation'),
        market,
        provider,
        order: orderDigest,
        offer: someId('offer'),
        slots: 1,
        resources: { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 0 },
        gpus: Array.from({ length: padding }, (_, index) => `GPU-${index}-${'x'.repeat(60)}`),
        price: { nanoUsd: 5n, per: 'task' },
        issuedAt: at,
        expiresAt: at + 1,
      },
      signature,
    },
    salt: toHex(new Uint8Array(32)),
  }
  const digest = digestOf(reservation.reservation.record)
  const seal = sealOf({ auction, order: orderDigest, provider, reservation: digest, salt: reservation.salt })
  return {
    record: {
      kind: 'transcript',
      market,
      auction,
      job,
      order,
      wanted: 2,
      solicited: 3,
      openedAt: at,
      closing: {
        record: {
          kind: 'closing',
          market,
          auction,
          order: orderDigest,
          root: seal,
          count: 1,
          closedAt: at + 200,
          revealBy: at + 3_200,
        },
        signature,
      },
      bids: [{ provider, seal, signature, reveal: reservation }],
      late: [],
      scores: null,
      award: {
        winners: [{ provider, reservation: digest, slots: 1, price: { nanoUsd: 2n ** 62n, per: 'task' } }],
        refused: [],
      },
      awardedAt: at + 201,
    },
    signature,
  }
}

export const describeAuctions = (under: OpenStore): void => {
  describe('auctions', () => {
    test('a transcript is read back as it was written, and listed by its job, oldest first', async () => {
      const [job, tenant] = [someId('job'), someId('tenant')]
      const ids = Array.from({ length: 3 }, () => someId('auction')).toSorted()
      const transcripts = ids.map((id, index) => someTranscript(job, tenant, id, index * 400))
      await Promise.all(transcripts.map((transcript) => under.store.commit({ transcripts: [transcript] })))
      for (const transcript of transcripts) {
        const read = await under.store.auctions.get(transcript.record.auction)
        expect(read).toEqual(transcript)
        expect(digestOf(read?.record)).toBe(digestOf(transcript.record))
      }
      const [first, second, third] = ids
      if (!first || !second || !third) throw new Error('three ids')
      const page = await under.store.auctions.ofJob(job, { limit: 2 })
      expect(page.map(({ id }) => id)).toEqual([first, second])
      expect(page[0]).toMatchObject({ job, at: at + 201, solicited: 3, bids: 1, winners: 1, slots: 1, award: 'lowest' })
      expect((await under.store.auctions.ofJob(job, { limit: 9, after: second })).map(({ id }) => id)).toEqual([third])
      expect(await under.store.auctions.ofJob(someId('job'), { limit: 9 })).toEqual([])
      expect(await under.store.auctions.get(someId('auction'))).toBeUndefined()
    })

    test('a transcript that is old is forgotten, and lists still tell of its auction', async () => {
      const [job, tenant] = [someId('job'), someId('tenant')]
      const opened = Date.UTC(2001, 0, 1)
      const ids = [opened, opened + 1, opened + 2].map((time) => derivedId('auction', time, job))
      const [first, second, third] = ids
      if (!first || !second || !third) throw new Error('three ids')
      const transcripts = ids.map((id) => someTranscript(job, tenant, id))
      await under.store.commit({ transcripts })
      const { auctions } = under.store
      const listed = await auctions.ofJob(job, { limit: 9 })
      expect(await auctions.prune(opened)).toBe(0)
      expect(await auctions.prune(opened + 2)).toBe(2)
      expect(await auctions.prune(opened + 2)).toBe(0)
      expect([await auctions.get(first), await auctions.get(second)]).toEqual([undefined, undefined])
      expect(await auctions.get(third)).toEqual(transcripts[2])
      expect(await auctions.ofJob(job, { limit: 9 })).toEqual(listed)
      await under.store.commit({ transcripts: transcripts.slice(0, 1) })
      expect(await auctions.get(first)).toBeUndefined()
    })

    test('one that was written before stays, and one of a refused commit is not there', async () => {
      const [job, tenant, id, refused] = [someId('job'), someId('tenant'), someId('auction'), someId('auction')]
      const transcript = someTranscript(job, tenant, id)
      await under.store.commit({ transcripts: [transcript] })
      const again = someTranscript(job, tenant, id, 3)
      await under.store.commit({ transcripts: [again] })
      expect(await under.store.auctions.get(id)).toEqual(transcript)
      const stale = { appends: [append(job, 7, someEvent())], transcripts: [someTranscript(job, tenant, refused)] }
      expect(await codes([under.store.commit(stale)])).toEqual(['stale_writer'])
      expect(await under.store.auctions.get(refused)).toBeUndefined()
    })
  })
}
