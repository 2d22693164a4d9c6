import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemWorld } from '@muster/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestDatabase, type TestDatabase } from '../test-database.ts'
import { openSql } from './connection.ts'
import { createPostgresStore } from './create-postgres-store.ts'
import { listMigrations, migrate } from './migrate.ts'

describe('migrations', () => {
  let database: TestDatabase
  let directory: string
  beforeAll(async () => {
    database = await openTestDatabase()
    directory = await mkdtemp(path.join(tmpdir(), 'muster-migrations-'))
    await writeFile(
      path.join(directory, '0001-first.sql'),
      'CREATE TABLE first (id int); INSERT INTO first VALUES (1);',
    )
    await writeFile(path.join(directory, '0002-second.sql'), 'ALTER TABLE first ADD COLUMN name text;')
    await writeFile(path.join(directory, 'notes.txt'), 'no migration')
  })
  afterAll(async () => {
    await database.close()
    await rm(directory, { recursive: true, force: true })
  })

  test('those that ship are numbered from 1 without gaps', async () => {
    const numbers = (await listMigrations()).map(({ number }) => number)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1))
    expect(numbers.length).toBeGreaterThan(0)
  })

  test('each runs once, also when many nodes start at a time', async () => {
    const connection = await database.another()
    const sql = openSql(connection, { connections: 4 })
    const [first] = await listMigrations(directory)
    if (first === undefined) throw new Error('a migration')
    expect(await migrate(sql, 1, [first])).toBe(1)
    const all = await listMigrations(directory)
    const runs = await Promise.all([1, 2, 3, 4].map((now) => migrate(sql, now, all)))
    expect(runs.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 1])
    expect(await sql`SELECT id, name FROM first`).toMatchObject([{ id: 1, name: null }])
    await sql.end()
  })

  test('one that fails leaves nothing of the run behind', async () => {
    const connection = await database.another()
    const sql = openSql(connection, { connections: 1 })
    await writeFile(path.join(directory, '0003-third.sql'), 'CREATE TABLE third (id int); SELECT 1 / 0;')
    await expect(migrate(sql, 1, await listMigrations(directory))).rejects.toThrow('division by zero')
    expect(await sql`SELECT to_regclass('first') AS first, to_regclass('migration') AS migration`).toMatchObject([
      { first: null, migration: null },
    ])
    await sql.end()
  })

  test('a database from the future is refused', async () => {
    const connection = await database.another()
    const store = await createPostgresStore({ connection }, { world: systemWorld })
    await store.close()
    const sql = openSql(connection, { connections: 1 })
    await sql`INSERT INTO migration (number, name, at) VALUES (9999, 'future', 1)`
    await sql.end()
    await expect(createPostgresStore({ connection }, { world: systemWorld })).rejects.toMatchObject({
      code: 'unavailable',
      retry: 'never',
      facts: { found: 9999 },
    })
  })
})
