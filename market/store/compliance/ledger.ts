import { outsideAccount, tenantAccount, type EntryNote, type LedgerEntry } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { at, move, someId } from '../test-records.ts'
import { refusal, type OpenStore } from './expectations.ts'

const byId = (a: LedgerEntry, b: LedgerEntry): number => (a.id < b.id ? -1 : 1)

export const describeLedgerReads = (under: OpenStore): void => {
  describe('reads of the ledger', () => {
    const someEntries = async () => {
      const account = tenantAccount(someId('tenant'))
      const entries = [0, 1, 2, 3].map((hour) => ({
        ...move(outsideAccount, account, 10n ** BigInt(hour)),
        at: at + hour,
      }))
      for (const entry of entries) await under.store.commit({ entries: [entry] })
      return { account, entries }
    }

    test('entries of an account and a period come in the order of their ids, in pages', async () => {
      const { account, entries } = await someEntries()
      const sorted = entries.toSorted(byId)
      const { ledger } = under.store
      expect(await ledger.list({ account, limit: 9 })).toEqual(sorted)
      expect(await ledger.list({ account, limit: 9, from: at + 1, to: at + 3 })).toEqual(
        sorted.filter((entry) => entry.at === at + 1 || entry.at === at + 2),
      )
      const [first, second] = sorted
      if (first === undefined || second === undefined) throw new Error('four entries')
      expect(await ledger.list({ account, limit: 1 })).toEqual([first])
      expect(await ledger.list({ account, limit: 1, after: first.id })).toEqual([second])
      const all = await ledger.list({ limit: 10_000 })
      for (const entry of entries) expect(all).toContainEqual(entry)
    })

    test('what entries before a time add up to', async () => {
      const { account } = await someEntries()
      const { ledger } = under.store
      expect(await ledger.entered(account, at)).toBe(0n)
      expect(await ledger.entered(account, at + 2)).toBe(11n)
      expect(await ledger.entered(account, at + 9)).toBe(1111n)
      expect(await ledger.entered(tenantAccount(someId('tenant')), at + 9)).toBe(0n)
    })

    test('an entry keeps the note it was made with', async () => {
      const note: EntryNote = {
        job: someId('job'),
        receipt: null,
        reversal: null,
        reason: `NULL "quoted" \\back\\ {a,b} 'x' é 漢 🦊`,
        key: someId('entry'),
      }
      const noted = { ...move(outsideAccount, tenantAccount(someId('tenant')), 5n), note }
      const bare = move(outsideAccount, tenantAccount(someId('tenant')), 5n)
      await under.store.commit({ entries: [noted, bare] })
      expect(await under.store.ledger.entry(noted.id)).toEqual(noted)
      expect(await under.store.ledger.entry(bare.id)).toEqual(bare)
    })
  })

  describe('notices of accounts', () => {
    const notice = (number: number, more = {}) => ({
      number,
      at: at + number,
      standing: 'low' as const,
      since: at,
      balance: 2n ** 60n,
      escrow: 7n,
      burn: 9n,
      belowMs: 7_200_000,
      ...more,
    })
    const someTenant = async () => {
      const id = someId('tenant')
      await under.store.accounts.create({ id, address: null, createdAt: at })
      return id
    }

    test('each number is written once, and they come in order', async () => {
      const tenant = await someTenant()
      const { accounts } = under.store
      expect(await accounts.addNotice(tenant, notice(1))).toBe(true)
      const won = await Promise.all(
        [1, 2, 3].map(() => accounts.addNotice(tenant, notice(2, { standing: 'grace', belowMs: null }))),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      const all = [notice(1), notice(2, { standing: 'grace', belowMs: null })]
      expect(await accounts.notices(tenant, { limit: 9 })).toEqual(all)
      expect(await accounts.notices(tenant, { limit: 1 })).toEqual(all.slice(0, 1))
      expect(await accounts.notices(tenant, { limit: 9, after: 1 })).toEqual(all.slice(1))
      expect(await accounts.lastNotices([tenant, await someTenant()])).toEqual(new Map([[tenant, all[1]]]))
    })

    test('tenants whose newest notice is of another standing are named', async () => {
      const [fine, low] = [await someTenant(), await someTenant()]
      const { accounts } = under.store
      await accounts.addNotice(fine, notice(1))
      await accounts.addNotice(fine, notice(2, { standing: 'fine', belowMs: null }))
      await accounts.addNotice(low, notice(1))
      const found = await accounts.notStanding('fine')
      expect(found).toContain(low)
      expect(found).not.toContain(fine)
    })

    test('nobody is told who is no tenant', async () => {
      expect((await refusal(under.store.accounts.addNotice(someId('tenant'), notice(1)))).code).toBe('not_found')
    })
  })
}
