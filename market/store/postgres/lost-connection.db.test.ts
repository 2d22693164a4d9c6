import { connect, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { outsideAccount, systemWorld, tenantAccount, type World } from '@muster/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../store.ts'
import { openTestDatabase, type TestDatabase } from '../test-database.ts'
import { at, move, someEvent, someId, someJobRow } from '../test-records.ts'
import { openSql, type PostgresConnection } from './connection.ts'
import { createPostgresStore } from './create-postgres-store.ts'

/** Where the next message to the database loses its connection. `late`: it arrives after the client gave it up. */
type Cut = 'before the database' | 'before the client' | 'late'

const createProxy = async ({ host, port }: PostgresConnection) => {
  let cut: Cut | undefined
  let refusing = false
  let release: (() => Promise<string>) | undefined
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    if (refusing) {
      client.destroy()
      return
    }
    const upstream = host.startsWith('/') ? connect(path.join(host, `.s.PGSQL.${port}`)) : connect({ host, port })
    let muted = false
    let held = false
    const end = () => {
      client.destroy()
      if (!held) upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', end)
    }
    client.on('data', (bytes) => {
      const here = cut
      cut = undefined
      if (here === 'late') {
        held = true
        release = () =>
          new Promise((resolve) => {
            upstream.removeAllListeners('data')
            upstream.once('data', (answer) => {
              held = false
              upstream.destroy()
              resolve(answer.toString('utf8'))
            })
            upstream.write(bytes)
          })
      }
      if (here === 'before the client') muted = true
      if (here === undefined || muted) upstream.write(bytes)
      else end()
    })
    upstream.on('data', (bytes) => {
      if (muted) end()
      else client.write(bytes)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cutNext: (where: Cut) => {
      cut = where
    },
    refuse: (value: boolean) => {
      refusing = value
      if (value) for (const socket of sockets) socket.destroy()
    },
    release: async () => (release === undefined ? 'nothing was held' : await release()),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

describe('a connection that breaks', () => {
  let database: TestDatabase
  let proxy: Awaited<ReturnType<typeof createProxy>>
  let store: Store
  beforeAll(async () => {
    database = await openTestDatabase()
    proxy = await createProxy(database.connection)
    const connection = { ...database.connection, host: '127.0.0.1', port: proxy.port }
    store = await createPostgresStore({ connection }, { world: systemWorld })
  })
  afterAll(async () => {
    await store.close()
    await proxy.close()
    await database.close()
  })

  const paid = () => {
    const account = tenantAccount(someId('tenant'))
    const stream = someId('job')
    const commit = {
      appends: [{ stream, expectedVersion: 0, events: [someEvent()], at }],
      entries: [move(outsideAccount, account, 5n)],
    }
    const check = async () => {
      expect((await store.readStream(stream))?.version).toBe(1)
      expect(await store.ledger.balance(account)).toBe(5n)
    }
    return { commit, check }
  }

  test.for(['before the database', 'before the client', 'late'] as const)(
    'cut %s: the commit happens, once',
    async (where) => {
      await store.commit(paid().commit)
      const { commit, check } = paid()
      proxy.cutNext(where)
      await store.commit(commit)
      await check()
      if (where === 'late') expect(await proxy.release()).toContain('ERROR')
      await check()
      expect(await store.ledger.audit()).toMatchObject({ total: 0n, mismatches: [] })
    },
  )

  test('a statement that arrives late writes nothing over what came after it', async () => {
    const [id, tenant] = [someId('job'), someId('tenant')]
    const rename = (name: string) => store.commit({ jobs: [someJobRow(id, tenant, { charged: BigInt(name.length) })] })
    await rename('')
    proxy.cutNext('late')
    await rename('old')
    await rename('newer')
    expect(await proxy.release()).toContain('null value in column "number" of relation "writer"')
    expect((await store.jobs.get(id))?.charged).toBe(5n)
  })

  test('a refusal that got lost is still a refusal', async () => {
    await store.commit(paid().commit)
    const { commit } = paid()
    await store.commit(commit)
    proxy.cutNext('before the client')
    await expect(store.commit(commit)).rejects.toMatchObject({ code: 'stale_writer' })
  })

  test('a backend that is terminated is replaced', async () => {
    const sql = openSql(database.connection, { connections: 1 })
    for (let round = 0; round < 5; round++) {
      const all = Array.from({ length: 10 }, paid)
      const commits = all.map(({ commit }) => store.commit(commit))
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'muster' AND pid <> pg_backend_pid() AND datname = current_database()`
      await Promise.all(commits)
      for (const { check } of all) {
        await expect
          .poll(() =>
            check().then(
              () => true,
              () => false,
            ),
          )
          .toBe(true)
      }
    }
    await sql.end()
  })

  test('a database that stays away is unavailable, and then it is there again', async () => {
    // A clock that runs fast while the database is away, so that nobody waits for the patience of the writer.
    let speed = 1
    const world: World = {
      ...systemWorld,
      elapsed: () => speed * systemWorld.elapsed(),
      after: (delayMs, action) => systemWorld.after(delayMs / speed, action),
    }
    const connection = { ...database.connection, host: '127.0.0.1', port: proxy.port }
    const hasty = await createPostgresStore({ connection }, { world })
    await hasty.commit(paid().commit)
    proxy.refuse(true)
    speed = 50
    const { commit, check } = paid()
    await expect(hasty.commit(commit)).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    await expect(hasty.commit(commit)).rejects.toMatchObject({
      code: 'unavailable',
      facts: { outcome: 'nothing written' },
    })
    await expect(hasty.ping()).rejects.toMatchObject({ code: 'unavailable' })
    proxy.refuse(false)
    speed = 1
    await hasty.commit(commit)
    await check()
    await hasty.close()
  })

  test('a full disk is named, and then there is room again', async () => {
    const sql = openSql(database.connection, { connections: 1 })
    await sql.unsafe(`
      CREATE FUNCTION be_full() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
      CREATE TRIGGER be_full BEFORE INSERT ON journal FOR EACH STATEMENT EXECUTE FUNCTION be_full()`)
    const [first, second] = [paid(), paid()]
    const results = await Promise.allSettled([store.commit(first.commit), store.commit(second.commit)])
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'disk_full', retry: 'later' } })
    }
    await sql`DROP TRIGGER be_full ON journal`
    await sql.end()
    await store.commit(first.commit)
    await first.check()
  })
})
