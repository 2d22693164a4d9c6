import { describe, expect, test } from 'vitest'
import { stageSigner } from '../stage/stage-agent.ts'
import { stageRecords } from '../stage/stage-records.ts'
import { createVirtualWorld } from '../stage/virtual-world.ts'
import { forgetOutcomes, forgetStarts, put, type JournalRecord } from './journal-record.ts'
import type { Journal } from './journal.ts'

export interface JournalFixture {
  readonly journal: Journal
  /** The journal as an agent finds it that starts after this one was killed; absent where nothing survives. */
  readonly reopen: (() => Promise<Journal>) | null
}

const byId = (records: readonly JournalRecord[]) =>
  records.toSorted((a, b) => (`${a.id} ${a.kind}` < `${b.id} ${b.kind}` ? -1 : 1))
const byKind = (records: readonly JournalRecord[]) => records.toSorted((a, b) => (a.kind < b.kind ? -1 : 1))

/** What every journal promises. */
export const testJournal = (name: string, open: () => Promise<JournalFixture>): void => {
  const market = stageSigner('market').address
  const otherMarket = stageSigner('other market').address
  const records = stageRecords(createVirtualWorld(1), stageSigner('agent'), market)

  describe(`journal: ${name}`, () => {
    test('gives back every kind of record as it was put', async () => {
      const { journal } = await open()
      const all = [
        records.reservation(false),
        records.reservation(true),
        records.starts([0, 1, 2]),
        records.starts([3, 4], [1]),
        records.outcomes([1, 2], [0]),
        records.outcomes([], [3]),
        records.fence(5, 3),
      ]
      await journal.commit(all.map(put))
      expect(byId(await journal.load())).toEqual(byId(all))
      await journal.close()
    })

    test('a later put replaces an earlier one, and what is forgotten is gone', async () => {
      const { journal } = await open()
      const whole = records.starts([0, 1])
      const rest = records.starts([0, 1], [1])
      const other = records.starts([2])
      await journal.commit([put(whole), put(other)])
      await journal.commit([put(rest), forgetStarts(other.id)])
      expect(await journal.load()).toEqual([rest])
      await journal.close()
    })

    test('forgetting touches one kind only, and what is not there may be forgotten', async () => {
      const { journal } = await open()
      const fence = records.fence(0, 1)
      const starts = records.starts([0])
      await journal.commit([put(fence), put(starts), put(records.outcomes([0]))])
      await journal.commit([forgetOutcomes(starts.id), forgetOutcomes(records.outcomes([1]).id)])
      expect(byKind(await journal.load())).toEqual([fence, starts])
      await journal.close()
    })

    test('commits made together apply in order', async () => {
      const { journal } = await open()
      const commits = [1, 2, 3, 4, 5].map((fence) => journal.commit([put(records.fence(0, fence))]))
      await Promise.all(commits)
      expect(await journal.load()).toEqual([records.fence(0, 5)])
      await journal.close()
    })

    test('an empty commit resolves after those before it', async () => {
      const { journal } = await open()
      const order: string[] = []
      await Promise.all([
        journal.commit([put(records.fence(0, 1))]).then(() => order.push('put')),
        journal.commit([]).then(() => order.push('barrier')),
      ])
      expect(order).toEqual(['put', 'barrier'])
      await journal.close()
    })

    test('a record without a canonical form is refused and spoils no neighbour', async () => {
      const { journal } = await open()
      const fraction = { ...records.fence(0, 1), tasks: [{ index: 0, fence: 1.5 }] } as JournalRecord
      const neighbour = journal.commit([put(records.fence(1, 1))])
      await expect(journal.commit([put(records.fence(2, 1)), put(fraction)])).rejects.toThrow()
      await neighbour
      expect(await journal.load()).toEqual([records.fence(1, 1)])
      await journal.close()
    })

    test('epochs only rise, to what is asked for at least', async () => {
      const { journal } = await open()
      expect(await journal.nextEpoch(market, 1)).toBe(1)
      expect(await journal.nextEpoch(market, 1)).toBe(2)
      expect(await journal.nextEpoch(market, 1_000)).toBe(1_000)
      expect(await journal.nextEpoch(market, 1_000)).toBe(1_001)
      expect(await journal.nextEpoch(market, 1)).toBe(1_002)
      expect(await journal.nextEpoch(otherMarket, 1)).toBe(1)
      await expect(journal.nextEpoch(market, 2 ** 48 + 1)).rejects.toThrow()
      await expect(journal.nextEpoch(market, 1e300)).rejects.toThrow()
      expect(await journal.nextEpoch(market, 1)).toBe(1_003)
      await journal.close()
    })

    test('refuses work once closed, and closes twice', async () => {
      const { journal } = await open()
      await journal.close()
      await journal.close()
      await expect(journal.commit([])).rejects.toMatchObject({ code: 'unavailable' })
      await expect(journal.load()).rejects.toMatchObject({ code: 'unavailable' })
      await expect(journal.nextEpoch(market, 1)).rejects.toMatchObject({ code: 'unavailable' })
    })

    test('what was committed is there for the next agent, epochs included', async () => {
      const { journal, reopen } = await open()
      if (reopen === null) return journal.close()
      await journal.commit([put(records.fence(0, 7))])
      const epoch = await journal.nextEpoch(market, 7)
      await journal.close()
      const next = await reopen()
      expect(await next.load()).toEqual([records.fence(0, 7)])
      expect(await next.nextEpoch(market, 0)).toBe(epoch + 1)
      await next.close()
    })
  })
}
