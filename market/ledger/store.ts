import {
  entryNoteSchema,
  feesAccount,
  toJson,
  type AccountName,
  type EntryId,
  type EntryKind,
  type LedgerEntry,
  type NanoUsd,
} from '@muster/protocol'
import { findPaidTwice } from '../receipt/store.ts'
import { plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { AccountChange } from '../store/postgres/merge-commits.ts'
import type { LedgerReads } from '../store/store.ts'

/** One row per entry. The legs of each come as the text of an array: Postgres has no ragged arrays of arrays. */
export const insertEntries = (sql: Sql, entries: readonly LedgerEntry[]): Fragment => sql`
  INSERT INTO ledger_entry (id, kind, at, accounts, amounts, note)
  SELECT e.id, e.kind, e.at, e.accounts::text[], e.amounts::bigint[], e.note
  FROM unnest(
    ${textArray(entries.map(({ id }) => id))}::text[],
    ${textArray(entries.map(({ kind }) => kind))}::text[],
    ${plainArray(entries.map(({ at }) => at))}::bigint[],
    ${textArray(entries.map(({ legs }) => textArray(legs.map(({ account }) => account))))}::text[],
    ${textArray(entries.map(({ legs }) => plainArray(legs.map(({ amount }) => amount))))}::text[],
    ${textArray(entries.map(({ note }) => (note === undefined ? null : toJson(note))))}::text[]
  ) AS e (id, kind, at, accounts, amounts, note)`

export const insertLegs = (sql: Sql, entries: readonly LedgerEntry[]): Fragment => {
  const legs = entries.flatMap(({ id, legs: all }) =>
    [...new Set(all.map(({ account }) => account))].map((account) => ({ account, id })),
  )
  return sql`
  INSERT INTO ledger_leg (account, entry)
  SELECT * FROM unnest(
    ${textArray(legs.map(({ account }) => account))}::text[],
    ${textArray(legs.map(({ id }) => id))}::text[]
  )`
}

/**
 * Posts what a group does to each account. Where one of its commits would leave an account below zero, the balance
 * written is that one, which the table refuses, even if a later commit fills the account again.
 */
export const postAccounts = (sql: Sql, changes: readonly AccountChange[]): Fragment => sql`
  MERGE INTO ledger_account AS held
  USING unnest(
    ${textArray(changes.map(({ account }) => account))}::text[],
    ${plainArray(changes.map(({ net }) => net))}::numeric[],
    ${plainArray(changes.map(({ low }) => low))}::numeric[]
  ) AS change (account, net, low)
  ON held.account = change.account
  WHEN MATCHED THEN UPDATE SET balance = held.balance +
    CASE WHEN held.account <> 'outside' AND held.balance + change.low < 0 THEN change.low ELSE change.net END
  WHEN NOT MATCHED THEN INSERT (account, balance) VALUES (change.account,
    CASE WHEN change.account <> 'outside' AND change.low < 0 THEN change.low ELSE change.net END)
  RETURNING 1`

export const knownEntries = async (sql: Sql, ids: readonly EntryId[]): Promise<Set<EntryId>> => {
  const rows = await sql<{ id: EntryId }[]>`SELECT id FROM ledger_entry WHERE id = ANY(${textArray(ids)}::text[])`
  return new Set(rows.map(({ id }) => id))
}

interface Row {
  readonly id: EntryId
  readonly kind: EntryKind
  readonly at: string
  readonly accounts: readonly AccountName[]
  readonly amounts: readonly string[]
  readonly note: string | null
}

const ledgerEntry = ({ accounts, amounts, at, note, ...row }: Row): LedgerEntry => ({
  id: row.id,
  kind: row.kind,
  legs: accounts.map((account, index) => ({ account, amount: BigInt(amounts[index] ?? '0') })),
  at: Number(at),
  ...(note === null ? {} : { note: entryNoteSchema.parse(JSON.parse(note)) }),
})

export const createLedgerReads = (sql: Sql): LedgerReads => {
  const columns = sql`e.id, e.kind, e.at, to_json(e.accounts) AS accounts, to_json(e.amounts::text[]) AS amounts, e.note`
  const balances = async (accounts: readonly AccountName[]): Promise<Map<AccountName, NanoUsd>> => {
    const rows = await sql<{ account: AccountName; balance: string }[]>`
      SELECT account, balance FROM ledger_account WHERE account = ANY(${textArray(accounts)}::text[])`
    const found = new Map(rows.map(({ account, balance }) => [account, BigInt(balance)]))
    return new Map(accounts.map((account) => [account, found.get(account) ?? 0n]))
  }
  const total = async (): Promise<NanoUsd> => {
    const [row] = await sql<[{ total: string }]>`SELECT coalesce(sum(balance), 0) AS total FROM ledger_account`
    return BigInt(row.total)
  }
  return {
    balance: async (account) => (await balances([account])).get(account) ?? 0n,
    balances,
    entries: async ({ account, limit, before }) => {
      const rows = await sql<Row[]>`
        SELECT ${columns} FROM ledger_leg l JOIN ledger_entry e ON e.id = l.entry
        WHERE l.account = ${account} ${before === undefined ? sql`` : sql`AND l.entry < ${before}`}
        ORDER BY l.entry DESC LIMIT ${limit}`
      return rows.map(ledgerEntry)
    },
    entry: async (id) => {
      const [row] = await sql<Row[]>`
        SELECT ${columns} FROM ledger_entry e WHERE e.id = ${id}`
      return row === undefined ? undefined : ledgerEntry(row)
    },
    list: async ({ account, from, to, limit, after }) => {
      const of = account === undefined ? sql`` : sql`JOIN ledger_leg l ON l.entry = e.id AND l.account = ${account}`
      const rows = await sql<Row[]>`
        SELECT ${columns} FROM ledger_entry e ${of} WHERE true
          ${after === undefined ? sql`` : sql`AND e.id > ${after}`}
          ${from === undefined ? sql`` : sql`AND e.at >= ${from}`}
          ${to === undefined ? sql`` : sql`AND e.at < ${to}`}
        ORDER BY e.id LIMIT ${limit}`
      return rows.map(ledgerEntry)
    },
    entered: async (account, before) => {
      const [row] = await sql<[{ entered: string }]>`
        SELECT coalesce(sum(leg.amount), 0) AS entered
        FROM ledger_leg l JOIN ledger_entry e ON e.id = l.entry,
          unnest(e.accounts, e.amounts) AS leg (account, amount)
        WHERE l.account = ${account} AND leg.account = ${account} AND e.at < ${before}`
      return BigInt(row.entered)
    },
    total,
    audit: async () => {
      const [row] = await sql<
        [
          {
            accounts: number
            entries: number
            total: string
            mismatches: { account: AccountName; balance: string; entered: string }[] | null
            unreconciled: { entry: EntryId; paid: string; receipted: string }[] | null
          },
        ]
      >`
        WITH entered AS (
          SELECT leg.account, sum(leg.amount) AS entered
          FROM ledger_entry e, unnest(e.accounts, e.amounts) AS leg (account, amount) GROUP BY leg.account
        ), compared AS (
          SELECT account, coalesce(balance, 0) AS balance, coalesce(entered, 0) AS entered
          FROM ledger_account FULL JOIN entered USING (account)
        ), paid AS (
          SELECT e.id AS entry, sum(leg.amount) AS paid
          FROM ledger_entry e, unnest(e.accounts, e.amounts) AS leg (account, amount)
          WHERE e.kind IN ('payment', 'reversal') AND (leg.account LIKE 'earnings:%' OR leg.account = ${feesAccount})
          GROUP BY e.id
        ), receipted AS (
          SELECT entry, sum(amount) AS receipted FROM receipt_batch WHERE entry IS NOT NULL GROUP BY entry
        ), reconciled AS (
          SELECT entry, coalesce(paid, 0) AS paid, coalesce(receipted, 0) AS receipted
          FROM paid FULL JOIN receipted USING (entry)
        )
        SELECT count(*)::int AS accounts, (SELECT count(*)::int FROM ledger_entry) AS entries,
          coalesce(sum(balance), 0) AS total,
          json_agg(json_build_object('account', account, 'balance', balance::text, 'entered', entered::text)
            ORDER BY account) FILTER (WHERE balance <> entered) AS mismatches,
          (SELECT json_agg(json_build_object('entry', entry, 'paid', paid::text, 'receipted', receipted::text)
            ORDER BY entry) FROM reconciled WHERE paid <> receipted) AS unreconciled
        FROM compared`
      return {
        accounts: row.accounts,
        entries: row.entries,
        total: BigInt(row.total),
        mismatches: (row.mismatches ?? []).map(({ account, balance, entered }) => ({
          account,
          balance: BigInt(balance),
          entered: BigInt(entered),
        })),
        unreconciled: (row.unreconciled ?? []).map(({ entry, paid, receipted }) => ({
          entry,
          paid: BigInt(paid),
          receipted: BigInt(receipted),
        })),
        paidTwice: await findPaidTwice(sql),
      }
    },
  }
}
