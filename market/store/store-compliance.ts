import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeAdmin } from './compliance/admin.ts'
import { describeAuctions } from './compliance/auctions.ts'
import { describeCommits } from './compliance/commits.ts'
import { append, codes, funded, refusal } from './compliance/expectations.ts'
import { describeLedgerReads } from './compliance/ledger.ts'
import { describeNodes } from './compliance/nodes.ts'
import { describeBenchmarks } from './compliance/benchmarks.ts'
import { describeObservations } from './compliance/observations.ts'
import { describePrices } from './compliance/prices.ts'
import { describeProjections } from './compliance/projections.ts'
import { describeReceipts } from './compliance/receipts.ts'
import { describeRegisters } from './compliance/registers.ts'
import { describeStandingOrders } from './compliance/standing-orders.ts'
import { describeStreams } from './compliance/streams.ts'
import type { Store } from './store.ts'
import { someEvent, someId, someJobRow, submitted } from './test-records.ts'

export interface StoreUnderTest {
  readonly store: Store
  /** Closes the store and opens another on the same disk or database. */
  reopen(): Promise<Store>
  close(): Promise<void>
}

/** What every store does, whatever it keeps its rows in. */
export const describeStore = (name: string, open: () => Promise<StoreUnderTest>): void => {
  describe(`store: ${name}`, () => {
    let under: StoreUnderTest
    let store: Store
    const current = {
      get store() {
        return store
      },
    }
    beforeAll(async () => {
      under = await open()
      store = under.store
    })
    afterAll(() => under.close())

    describeStreams(current)
    describeCommits(current)
    describeProjections(current)
    describeReceipts(current)
    describeAuctions(current)
    describeRegisters(current)
    describeObservations(current)
    describeBenchmarks(current)
    describeNodes(current)
    describeLedgerReads(current)
    describeAdmin(current)
    describePrices(current)
    describeStandingOrders(current)

    describe('life', () => {
      test('what was committed is there after a restart; a closed store refuses', async () => {
        const { account } = await funded(current, 42n)
        const [job, tenant] = [someId('job'), someId('tenant')]
        await store.commit({
          appends: [append(job, 0, submitted(job, tenant))],
          jobs: [someJobRow(job, tenant)],
        })
        await store.ping()
        const last = store.commit({ appends: [append(job, 1, someEvent())] })
        const closed = store
        store = await under.reopen()
        await last
        expect((await refusal(closed.commit({}))).code).toBe('unavailable')
        expect((await store.readStream(job))?.version).toBe(2)
        expect(await store.ledger.balance(account)).toBe(42n)
        expect(await codes([store.commit({ appends: [append(job, 1, someEvent())] })])).toEqual(['stale_writer'])
        await store.commit({ appends: [append(job, 2, someEvent())] })
      })
    })
  })
}
