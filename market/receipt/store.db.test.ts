import { systemWorld } from '@muster/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSql, type Sql } from '../store/postgres/connection.ts'
import { createPostgresStore } from '../store/postgres/create-postgres-store.ts'
import { spreadBatch } from '../store/spread-batch.ts'
import type { ReceiptBatch, Store } from '../store/store.ts'
import { openTestDatabase, type TestDatabase } from '../store/test-database.ts'
import { idsOf, someBatch, someId } from '../store/test-records.ts'

describe('receipts in Postgres', () => {
  let database: TestDatabase
  let store: Store
  let sql: Sql
  beforeAll(async () => {
    database = await openTestDatabase()
    store = await createPostgresStore({ connection: database.connection }, { world: systemWorld })
    sql = openSql(database.connection, { connections: 1 })
  })
  afterAll(async () => {
    await sql.end()
    await store.close()
    await database.close()
  })

  /** Five batches of three receipts, of which only these, counted from the oldest, can be read. */
  const readableOnly = async (kept: readonly number[]) => {
    const [job, tenant] = [someId('job'), someId('tenant')]
    const batches = [0, 3, 6, 9, 12]
      .map((task) => someBatch(job, [task, task + 1, task + 2], { tenant }))
      .toSorted((a, b) => (firstId(a) < firstId(b) ? -1 : 1))
    await store.commit({ receipts: batches })
    const spoilt = batches.filter((_, index) => !kept.includes(index)).map(firstId)
    await sql`UPDATE receipt_batch SET body = '\\x00' WHERE first_id IN ${sql(spoilt)}`
    return { job, tenant, ids: idsOf(batches.flatMap(spreadBatch)) }
  }
  const firstId = (batch: ReceiptBatch) => idsOf(spreadBatch(batch))[0] ?? ''

  test('a page decodes the batches it needs and no other', async () => {
    const { job, tenant, ids } = await readableOnly([1, 2])
    const [after, before] = [ids[3], ids[8]]
    if (after === undefined || before === undefined) throw new Error('fifteen ids')
    expect(idsOf(await store.receipts.ofJob(job, { limit: 5, after }))).toEqual(ids.slice(4, 9))
    expect(idsOf(await store.receipts.ofTenant(tenant, { limit: 5, before }))).toEqual(ids.slice(3, 8).toReversed())
    await expect(store.receipts.ofJob(job, { limit: 6, after })).rejects.toThrow()
  })

  test('one receipt is found in its batch alone', async () => {
    const { ids } = await readableOnly([2])
    for (const id of ids.slice(6, 9)) expect((await store.receipts.get(id))?.receipt.record.id).toBe(id)
  })

  test('a batch that the database knows is refused by it, and its neighbours are not', async () => {
    const known = someBatch(someId('job'), [0, 1])
    await store.commit({ receipts: [known] })
    const others = Array.from({ length: 6 }, () => someBatch(someId('job'), [0]))
    const results = await Promise.allSettled(
      [...others.slice(0, 3), known, ...others.slice(3)].map((batch) => store.commit({ receipts: [batch] })),
    )
    expect(results.map(({ status }) => status)).toEqual(
      results.map((_, index) => (index === 3 ? 'rejected' : 'fulfilled')),
    )
    expect(results[3]).toMatchObject({ reason: { code: 'transition_refused' } })
  })
})
