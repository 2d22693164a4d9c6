import type { EntryId, ReceiptId } from '@muster/protocol'
import { receiptKey } from '../store/check-commit.ts'
import { decodeReceipt } from '../store/decode-receipt.ts'
import type { ReceiptRow } from '../store/encode-commit.ts'
import { bytesArray, plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import type { ReceiptReads } from '../store/store.ts'

export const insertReceipts = (sql: Sql, rows: readonly ReceiptRow[]): Fragment => sql`
  INSERT INTO receipt (id, job, task_index, fence, tenant, provider, amount, reverses, issued_at, entry, receipt, claim, signatures)
  SELECT * FROM unnest(
    ${textArray(rows.map(({ id }) => id))}::text[],
    ${textArray(rows.map(({ job }) => job))}::text[],
    ${plainArray(rows.map(({ index }) => index))}::integer[],
    ${plainArray(rows.map(({ fence }) => fence))}::integer[],
    ${textArray(rows.map(({ tenant }) => tenant))}::text[],
    ${textArray(rows.map(({ provider }) => provider))}::text[],
    ${plainArray(rows.map(({ amount }) => amount))}::bigint[],
    ${textArray(rows.map(({ reverses }) => reverses))}::text[],
    ${plainArray(rows.map(({ issuedAt }) => issuedAt))}::bigint[],
    ${textArray(rows.map(({ entry }) => entry))}::text[],
    ${bytesArray(rows.map(({ receipt }) => receipt))}::bytea[],
    ${bytesArray(rows.map(({ claim }) => claim))}::bytea[],
    ${bytesArray(rows.map(({ signatures }) => signatures))}::bytea[]
  )`

/** Ids and keys of the receipts that stand in the way of these. */
export const knownReceipts = async (sql: Sql, rows: readonly ReceiptRow[]): Promise<Set<string>> => {
  const found = await sql<{ id: ReceiptId; job: string; task_index: number; fence: number; reverses: string | null }[]>`
    SELECT r.id, r.job, r.task_index, r.fence, r.reverses FROM receipt r
    WHERE r.id = ANY(${textArray(rows.map(({ id }) => id))}::text[])
      OR (r.job, r.task_index, r.fence) IN (SELECT * FROM unnest(
        ${textArray(rows.map(({ job }) => job))}::text[],
        ${plainArray(rows.map(({ index }) => index))}::integer[],
        ${plainArray(rows.map(({ fence }) => fence))}::integer[]))`
  return new Set(found.flatMap((row) => [row.id, receiptKey({ ...row, index: row.task_index })]))
}

interface Row {
  readonly entry: EntryId | null
  readonly receipt: Uint8Array
  readonly claim: Uint8Array
  readonly signatures: Uint8Array
}

export const createReceiptReads = (sql: Sql): ReceiptReads => ({
  get: async (id) => {
    const [row] = await sql<Row[]>`SELECT entry, receipt, claim, signatures FROM receipt WHERE id = ${id}`
    return row === undefined ? undefined : decodeReceipt(row)
  },
  ofJob: async (job, { limit, after }) => {
    const rows = await sql<Row[]>`
      SELECT entry, receipt, claim, signatures FROM receipt WHERE job = ${job}
        ${
          after === undefined
            ? sql``
            : sql`AND (task_index, fence, id) > (SELECT task_index, fence, id FROM receipt WHERE id = ${after})`
        }
      ORDER BY task_index, fence, id LIMIT ${limit}`
    return rows.map(decodeReceipt)
  },
  ofTenant: async (tenant, { limit, before }) => {
    const rows = await sql<Row[]>`
      SELECT entry, receipt, claim, signatures FROM receipt WHERE tenant = ${tenant}
        ${before === undefined ? sql`` : sql`AND id < ${before}`} ORDER BY id DESC LIMIT ${limit}`
    return rows.map(decodeReceipt)
  },
  ofProvider: async (provider, { limit, before }) => {
    const rows = await sql<Row[]>`
      SELECT entry, receipt, claim, signatures FROM receipt WHERE provider = ${provider}
        ${before === undefined ? sql`` : sql`AND id < ${before}`} ORDER BY id DESC LIMIT ${limit}`
    return rows.map(decodeReceipt)
  },
})
