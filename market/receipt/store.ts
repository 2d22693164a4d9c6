import type { JobId, ReceiptId } from '@muster/protocol'
import { decodeBody } from '../store/batch-body.ts'
import type { ReceiptBatchRow } from '../store/encode-batch.ts'
import { newestReceipts, oldestReceipts } from '../store/page-receipts.ts'
import { packBytes, plainArray, textArray } from '../store/postgres/array.ts'
import type { Fragment, Sql } from '../store/postgres/connection.ts'
import { readBatch, restoreBatch, type KeptBatch } from '../store/spread-batch.ts'
import type { PaidTwice, ReceiptReads } from '../store/store.ts'
import { createPaymentTally } from '../store/tally-payments.ts'

export const insertBatches = (sql: Sql, rows: readonly ReceiptBatchRow[]): Fragment => {
  const { base64, starts, lengths } = packBytes(rows.map(({ body }) => body))
  return sql`
  INSERT INTO receipt_batch (first_id, last_id, job, tenant, provider, count, amount, fee, issued_at, entry, body)
  SELECT b.first_id, b.last_id, b.job, b.tenant, b.provider, b.count, b.amount, b.fee, b.issued_at, b.entry,
    substring((SELECT decode(${base64}, 'base64')) FROM b.start FOR b.length)
  FROM unnest(
    ${textArray(rows.map(({ firstId }) => firstId))}::text[],
    ${textArray(rows.map(({ lastId }) => lastId))}::text[],
    ${textArray(rows.map(({ job }) => job))}::text[],
    ${textArray(rows.map(({ tenant }) => tenant))}::text[],
    ${textArray(rows.map(({ provider }) => provider))}::text[],
    ${plainArray(rows.map(({ count }) => count))}::integer[],
    ${plainArray(rows.map(({ amount }) => amount))}::numeric[],
    ${plainArray(rows.map(({ fee }) => fee))}::numeric[],
    ${plainArray(rows.map(({ issuedAt }) => issuedAt))}::bigint[],
    ${textArray(rows.map(({ entry }) => entry))}::text[],
    ${starts}::integer[],
    ${lengths}::integer[]
  ) AS b (first_id, last_id, job, tenant, provider, count, amount, fee, issued_at, entry, start, length)`
}

export const knownBatches = async (sql: Sql, firstIds: readonly ReceiptId[]): Promise<Set<ReceiptId>> => {
  const rows = await sql<{ first_id: ReceiptId }[]>`
    SELECT first_id FROM receipt_batch WHERE first_id = ANY(${textArray(firstIds)}::text[])`
  return new Set(rows.map(({ first_id }) => first_id))
}

// Before and after every id.
const lowest = ''
const highest = '~'

export const createReceiptReads = (sql: Sql): ReceiptReads => {
  /**
   * The batches that a page needs, of those that come in its order. How much is left of one that the cursor cuts is not
   * known before it is decoded: it is not counted, and so a page may read one batch more than it needs.
   */
  const needed = (batches: Fragment, order: Fragment, limit: number) => sql<KeptBatch[]>`
    SELECT entry, fee, body FROM (
      SELECT first_id, entry, fee, body, sum(count) FILTER (WHERE NOT cut)
        OVER (ORDER BY first_id ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ahead
      FROM (${batches} ORDER BY first_id ${order} LIMIT ${limit}) AS candidate
    ) AS counted
    WHERE coalesce(ahead, 0) < ${limit} ORDER BY first_id ${order}`

  const newest = async (isOwned: Fragment, page: Parameters<typeof newestReceipts>[1]) => {
    const before = page.before ?? highest
    const batches = sql`
      SELECT first_id, count, entry, fee, body, last_id >= ${before} AS cut FROM receipt_batch
      WHERE ${isOwned} AND first_id < ${before}`
    return newestReceipts(await needed(batches, sql`DESC`, page.limit), page)
  }

  return {
    get: async (id) => {
      const [batch] = await sql<KeptBatch[]>`
        SELECT entry, fee, body FROM (
          SELECT last_id, entry, fee, body FROM receipt_batch WHERE first_id <= ${id} ORDER BY first_id DESC LIMIT 1
        ) AS nearest WHERE last_id >= ${id}`
      return batch === undefined ? undefined : readBatch(batch).find(({ receipt }) => receipt.record.id === id)
    },
    ofJob: async (job, page) => {
      const after = page.after ?? lowest
      const batches = sql`
        SELECT first_id, count, entry, fee, body, first_id <= ${after} AS cut FROM receipt_batch
        WHERE job = ${job} AND last_id > ${after} AND first_id >= coalesce(
          (SELECT max(first_id) FROM receipt_batch WHERE job = ${job} AND first_id <= ${after}), ${lowest})`
      return oldestReceipts(await needed(batches, sql`ASC`, page.limit), page)
    },
    ofTenant: (tenant, page) => newest(sql`tenant = ${tenant}`, page),
    ofProvider: (provider, page) => newest(sql`provider = ${provider}`, page),
    batches: async ({ provider, from, to, limit, after = lowest }) => {
      const rows = await sql<KeptBatch[]>`
        SELECT entry, fee, body FROM receipt_batch
        WHERE first_id > ${after} ${provider === undefined ? sql`` : sql`AND provider = ${provider}`}
          ${from === undefined ? sql`` : sql`AND issued_at >= ${from}`}
          ${to === undefined ? sql`` : sql`AND issued_at < ${to}`}
        ORDER BY first_id LIMIT ${limit}`
      return rows.map(restoreBatch)
    },
  }
}

const batchesPerStep = 64

/** Attempts that more than one receipt stands for. Decodes every batch there is, job by job. */
export const findPaidTwice = async (sql: Sql): Promise<readonly PaidTwice[]> => {
  const found: PaidTwice[] = []
  let tally = createPaymentTally()
  let [job, firstId] = [lowest, lowest]
  for (;;) {
    const rows = await sql<{ job: JobId; first_id: ReceiptId; body: Uint8Array }[]>`
      SELECT job, first_id, body FROM receipt_batch WHERE (job, first_id) > (${job}, ${firstId})
      ORDER BY job, first_id LIMIT ${batchesPerStep}`
    for (const row of rows) {
      if (row.job !== job) {
        found.push(...tally.paidTwice())
        tally = createPaymentTally()
      }
      tally.add(decodeBody(row.body).receipts.records)
      job = row.job
      firstId = row.first_id
    }
    if (rows.length < batchesPerStep) return [...found, ...tally.paidTwice()]
  }
}
