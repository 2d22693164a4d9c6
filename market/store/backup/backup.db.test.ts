import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import {
  createSigner,
  createVerifier,
  digestOf,
  loadSecp256k1,
  parseId,
  systemWorld,
  type JobId,
  type MusterError,
  type SignatureDomain,
  type TenantId,
} from '@muster/protocol'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { noopSpec, rehearse } from '../../rehearsal/rehearse.ts'
import { openSql } from '../postgres/connection.ts'
import { createPostgresStore } from '../postgres/create-postgres-store.ts'
import { openStore } from '../open-store.ts'
import type { Commit, Store } from '../store.ts'
import { openTestDatabase, type TestDatabase } from '../test-database.ts'
import { backupRecordSchema, type BackupPart } from './backup-format.ts'
import { readBackup } from './read-backup.ts'
import { restoreBackup, type Restored } from './restore-backup.ts'
import { openKey, sealKey } from './seal-key.ts'
import { writeBackup } from './write-backup.ts'

const secp256k1 = await loadSecp256k1()
/** That of the rehearsal. */
const secret = new Uint8Array(32).fill(0x4d)
const signer = createSigner(secp256k1, secret)
const domain: SignatureDomain = { chainId: 31_337, market: signer.address }
const passphrase = 'correct horse battery'
/** Looks like what ends the rows of a table. */
const oddReason = '\\.\n\\.\n@end {"\t\u2028"}\n\\'

const oddDenial = { kind: 'tenant', reason: oddReason, expiresAt: null, stopped: false, at: 1, by: 'owner' } as const

const otherTenant = (tenant: TenantId, digit: string): TenantId =>
  parseId('tenant', `${tenant.slice(0, 5)}Z${digit}${tenant.slice(7)}`)

/** What a market wrote while it ran a whole job and half of another. */
const rehearseCommits = async () => {
  const commits: Commit[] = []
  const others: ((store: Store) => Promise<unknown>)[] = []
  const stage = await rehearse({
    wrapStore: (store) => ({
      ...store,
      commit: (commit) => {
        commits.push(commit)
        return store.commit(commit)
      },
      accounts: {
        ...store.accounts,
        create: (tenant) => {
          others.push((copy) => copy.accounts.create(tenant))
          return store.accounts.create(tenant)
        },
        addKey: (key) => {
          others.push((copy) => copy.accounts.addKey(key))
          return store.accounts.addKey(key)
        },
      },
      personal: {
        ...store.personal,
        add: (text) => {
          others.push((copy) => copy.personal.add(text))
          return store.personal.add(text)
        },
        addKey: (tenant, sealed) => {
          others.push((copy) => copy.personal.addKey(tenant, sealed))
          return store.personal.addKey(tenant, sealed)
        },
      },
      admin: {
        ...store.admin,
        record: (action) => {
          others.push((copy) => copy.admin.record(action))
          return store.admin.record(action)
        },
      },
    }),
  })
  await stage.agent({ key: 1, slots: 2, nanoUsd: 300n, taskMs: 10 })
  const tenant = await stage.tenant(1_000_000n, 'Acme')
  const done = (await tenant.submit(noopSpec(20))).id
  await stage.closed(tenant, done)
  const half = (await tenant.submit(noopSpec(20))).id
  await stage.world.until(async () => (await tenant.job(half)).counts.final > 3)
  await stage.market().stop()
  return { commits, others, done, half, tenant: tenant.id }
}

describe('a backup', () => {
  let database: TestDatabase
  let store: Store
  let directory: string
  let file: string
  let rehearsed: Awaited<ReturnType<typeof rehearseCommits>>
  let restored: Restored

  const at = (name: string): string => path.join(directory, name)
  const backUp = async (to: string, withKey = true, part: BackupPart = 'data'): Promise<void> => {
    const key = withKey ? await sealKey(secret, passphrase, domain.market, systemWorld) : null
    const bytes = writeBackup(
      { part, connection: database.connection, domain, version: '0.1.0', key },
      { world: systemWorld, signer },
    )
    await pipeline(bytes, createWriteStream(to))
  }
  const restore = (
    from: string,
    name: string,
    change: { passphrase?: string; keysFile?: string } = { passphrase },
  ): Promise<Restored> =>
    restoreBackup({ file: from, directory: at(name), ...change }, { world: systemWorld, secp256k1 })
  const isMade = (name: string): Promise<boolean> =>
    stat(at(name)).then(
      () => true,
      () => false,
    )
  const everythingOf = async (of: Store, jobs: readonly JobId[]) => ({
    tenants: await of.accounts.list({ limit: 100 }),
    actions: await of.admin.actions({ limit: 100 }),
    total: await of.ledger.total(),
    entries: await of.ledger.list({ limit: 1_000 }),
    jobs: await Promise.all(
      jobs.map(async (job) => ({
        row: await of.jobs.get(job),
        events: await of.readEvents(job, { from: 0, limit: 10_000 }),
        receipts: await of.receipts.ofJob(job, { limit: 1_000 }),
      })),
    ),
  })

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'muster-backup-'))
    database = await openTestDatabase()
    store = await createPostgresStore({ connection: database.connection }, { world: systemWorld })
    rehearsed = await rehearseCommits()
    for (const write of rehearsed.others) await write(store)
    for (const commit of rehearsed.commits) await store.commit(commit)
    await store.accounts.create({ id: otherTenant(rehearsed.tenant, 'A'), address: null, createdAt: 1 })
    await store.admin.deny({ ...oddDenial, subject: rehearsed.tenant })
    file = at('whole.backup')
    await backUp(file)
    restored = await restore(file, 'restored')
  })
  afterAll(async () => {
    await store.close()
    await database.close()
    await rm(directory, { recursive: true, force: true })
  })

  test('restored into a new directory is the same market: tenants, ledger, journal, receipts, admin log', async () => {
    expect(restored).toMatchObject({ audit: { ok: true }, activeJobs: 1, missingBlobs: 0, key: 'restored' })
    expect(restored.audit.checks.reduce((sum, { checked }) => sum + checked, 0)).toBeGreaterThan(50)
    expect((await readFile(at('restored/market.key'), 'utf8')).trim()).toBe(Buffer.from(secret).toString('hex'))
    const copy = await openStore({ directory: at('restored') }, { world: systemWorld })
    try {
      const jobs = [rehearsed.done, rehearsed.half]
      const found = await everythingOf(copy, jobs)
      expect(found).toEqual(await everythingOf(store, jobs))
      expect(await copy.admin.denials()).toMatchObject([{ reason: oddReason }])
      expect(found.tenants).toHaveLength(2)
      const verifier = createVerifier(secp256k1)
      const receipts = found.jobs.flatMap((job) => job.receipts)
      expect(receipts.length).toBeGreaterThan(23)
      for (const { receipt, claim } of receipts) {
        verifier.requireSigner(domain, receipt, domain.market)
        expect(receipt.record.claim).toBe(digestOf(claim.record))
      }
      await copy.commit({ entries: [] })
    } finally {
      await copy.close()
    }
  })

  test('is of one moment, whatever is written meanwhile', async () => {
    const bytes = writeBackup(
      { part: 'data', connection: database.connection, domain, version: '0.1.0', key: null },
      { world: systemWorld, signer },
    )
    const chunks: Uint8Array[] = []
    let isWritten = false
    for await (const chunk of bytes) {
      chunks.push(chunk)
      if (isWritten) continue
      isWritten = true
      const reason = 'came later'
      await store.admin.deny({ ...oddDenial, reason, subject: otherTenant(rehearsed.tenant, 'B') })
    }
    await writeFile(at('moment.backup'), Buffer.concat(chunks))
    expect(zstdDecompressSync(await readFile(at('moment.backup'))).toString()).not.toContain('came later')
    expect((await restore(at('moment.backup'), 'moment')).audit.ok).toBe(true)
  })

  test('that its reader gives up leaves no transaction open', async () => {
    const modules = { world: systemWorld, signer }
    for await (const _ of writeBackup(
      { part: 'data', connection: database.connection, domain, version: '0.1.0', key: null },
      modules,
    ))
      break
    const sql = openSql(database.connection, { connections: 1 })
    try {
      const open = () => sql`
        SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
          AND state <> 'idle' AND backend_type = 'client backend'`
      await vi.waitFor(async () => expect(await open()).toHaveLength(0), { timeout: 10_000 })
    } finally {
      await sql.end()
    }
  })

  test('is restored once: a directory that holds data is refused and stays as it is', async () => {
    await expect(restore(file, 'restored')).rejects.toMatchObject({ code: 'conflict' })
  })

  test('that is cut off anywhere, or altered, is refused before anything is made', async () => {
    const whole = await readFile(file)
    const plain = zstdDecompressSync(whole).toString('latin1')
    const change = (from: string | RegExp, to: string): Buffer => {
      const altered = plain.replace(from, to)
      expect(altered).not.toBe(plain)
      return zstdCompressSync(Buffer.from(altered, 'latin1'))
    }
    const lines = plain.split('\n')
    const damaged = new Map<string, Buffer>([
      ['nothing', Buffer.alloc(0)],
      ['half', whole.subarray(0, whole.length / 2)],
      ['its last bytes gone', whole.subarray(0, -40)],
      ['no end', zstdCompressSync(Buffer.from(`${lines.slice(0, -2).join('\n')}\n`, 'latin1'))],
      ['more after the end', zstdCompressSync(Buffer.from(`${plain}more\n`, 'latin1'))],
      ['another amount', change('1000000', '9000000')],
      ['another table', change('@table {"name":"tenant"', '@table {"name":"tenants"')],
      ['a row twice', change(/^(tnt_.*\n)/m, '$1$1')],
      ['another market', change(domain.market, `0x${'11'.repeat(20)}`)],
      ['another count', change(/"rows":(\d)/, '"rows":9$1')],
      ['text', Buffer.from('not a backup\n')],
    ])
    for (const [name, bytes] of damaged) {
      await writeFile(at('damaged.backup'), bytes)
      const refused = await restore(at('damaged.backup'), 'never').then(
        () => 'restored',
        (error: { code?: string }) => error.code,
      )
      expect([name, refused]).toEqual([name, expect.stringMatching(/^(record_invalid|signature_invalid)$/)])
    }
    expect(await isMade('never')).toBe(false)
  })

  test('with any byte damaged is refused, or is still word for word what was signed', async () => {
    const whole = await readFile(file)
    const rowsOf = async (from: string) => {
      const rows: Uint8Array[] = []
      const keep = { onTable: () => {}, onRows: (part: Uint8Array) => void rows.push(part), onTableEnd: () => {} }
      const { record } = await readBackup(from, keep, createVerifier(secp256k1))
      return { record, rows: Buffer.concat(rows).toString('latin1') }
    }
    const expected = await rowsOf(file)
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), async (place, change) => {
        const bytes = Uint8Array.from(whole)
        bytes[place] = (bytes[place] ?? 0) ^ change
        await writeFile(at('damaged.backup'), bytes)
        const found = await rowsOf(at('damaged.backup')).catch((error: MusterError) => error.code)
        // Some bits of a Zstandard frame mean nothing.
        if (typeof found === 'string') expect(['record_invalid', 'signature_invalid']).toContain(found)
        else expect(found).toEqual(expected)
      }),
      { numRuns: 150 },
    )
  })

  test('signed anew by somebody else is not this market’s: its key does not fit', async () => {
    const stranger = createSigner(secp256k1, new Uint8Array(32).fill(7))
    const bytes = writeBackup(
      {
        part: 'data',
        connection: database.connection,
        domain: { ...domain, market: stranger.address },
        version: '0.1.0',
        key: null,
      },
      { world: systemWorld, signer: stranger },
    )
    await pipeline(bytes, createWriteStream(at('stranger.backup')))
    const name = 'with-key'
    await rm(at(name), { recursive: true, force: true })
    await restore(file, name)
    await rm(at(`${name}/postgres`), { recursive: true, force: true })
    await expect(restore(at('stranger.backup'), name)).rejects.toMatchObject({ code: 'conflict' })
    expect(await isMade(`${name}/postgres`)).toBe(false)
  })

  test('gives the key to whoever has the passphrase, and to nobody else', async () => {
    await expect(restore(file, 'wrong', { passphrase: 'wrong horse battery' })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect(await isMade('wrong')).toBe(false)
    expect(await restore(file, 'keyless', {})).toMatchObject({ key: 'missing', audit: { ok: true } })
    expect(await isMade('keyless/market.key')).toBe(false)
    const plain = zstdDecompressSync(await readFile(file)).toString('latin1')
    expect(plain).not.toContain(Buffer.from(secret).toString('hex'))
    const sealed = await sealKey(secret, passphrase, domain.market, systemWorld)
    expect(await openKey(sealed, passphrase, domain.market)).toEqual(secret)
    await expect(openKey(sealed, passphrase, `0x${'22'.repeat(20)}` as never)).rejects.toMatchObject({
      code: 'forbidden',
    })
  })

  test('holds names sealed, and the keys to them in a file of their own', async () => {
    await backUp(at('names.keys'), false, 'keys')
    const plain = zstdDecompressSync(await readFile(file)).toString('latin1')
    expect(plain).not.toContain('Acme')
    expect(plain).not.toContain('rehearsed')
    const sealed = await store.personal.key(rehearsed.tenant)
    if (sealed === undefined || sealed === null) throw new Error('a key')
    expect(plain).not.toContain(Buffer.from(sealed).toString('hex'))
    const readKey = async (name: string) => {
      const copy = await openStore({ directory: at(name) }, { world: systemWorld })
      try {
        return await copy.personal.key(rehearsed.tenant)
      } finally {
        await copy.close()
      }
    }
    expect(restored.names).toBe('lost')
    expect(await readKey('restored')).toBeUndefined()
    expect((await restore(file, 'named', { passphrase, keysFile: at('names.keys') })).names).toBe('restored')
    expect(Buffer.from((await readKey('named')) ?? [])).toEqual(Buffer.from(sealed))
    for (const [data, keysFile] of [
      [at('names.keys'), file],
      [file, file],
      [at('names.keys'), at('names.keys')],
    ]) {
      if (data === undefined || keysFile === undefined) throw new Error('two files')
      await expect(restore(data, 'mixed', { passphrase, keysFile })).rejects.toMatchObject({ code: 'conflict' })
    }
    expect(await isMade('mixed')).toBe(false)
  })

  test('says what is in it, signed', () => {
    const { record } = restored
    expect(backupRecordSchema.safeParse(record).success).toBe(true)
    const rows = new Map(record.tables.map(({ name, rows: count }) => [name, count]))
    expect(rows.get('tenant')).toBe(2)
    expect(rows.get('journal')).toBeGreaterThan(5)
    expect([...rows.keys()].indexOf('tenant')).toBeLessThan([...rows.keys()].indexOf('api_key'))
    expect(rows.has('writer')).toBe(false)
    expect(rows.has('migration')).toBe(false)
  })
})

test('the admin log can be appended to, and nothing else', async () => {
  const database = await openTestDatabase()
  const store = await createPostgresStore({ connection: database.connection }, { world: systemWorld })
  const sql = openSql(database.connection, { connections: 1 })
  try {
    await sql`INSERT INTO admin_action VALUES ('act_1', 1, 'owner', 'owner', 'owner', 'deny', '{}', '', 'asked', NULL, NULL)`
    await expect(sql`UPDATE admin_action SET reason = 'other'`).rejects.toThrow('only ever appended to')
    await expect(sql`DELETE FROM admin_action`).rejects.toThrow('only ever appended to')
    await expect(sql`TRUNCATE admin_action`).rejects.toThrow('only ever appended to')
  } finally {
    await sql.end()
    await store.close()
    await database.close()
  }
})

test('tables of any size are read to their end, however their last rows arrive', async () => {
  const database = await openTestDatabase()
  const store = await createPostgresStore({ connection: database.connection }, { world: systemWorld })
  const sql = openSql(database.connection, { connections: 1 })
  const sizes = Array.from({ length: 40 }, (_, index) => (index + 1) * 16)
  try {
    for (const kib of sizes) {
      await sql.unsafe(`CREATE TABLE of_${kib}_kib AS
        SELECT n, md5(n::text || md5(n::text)) || md5(n::text) AS text FROM generate_series(1, ${kib * 14}) AS n`)
    }
    const chunks = await Array.fromAsync(
      writeBackup(
        { part: 'data', connection: database.connection, domain, version: '0.1.0', key: null },
        { world: systemWorld, signer },
      ),
    )
    const text = zstdDecompressSync(Buffer.concat(chunks)).toString()
    expect(text.match(/of_\d+_kib","rows":\d+/g)).toEqual(
      sizes.map((kib) => `of_${kib}_kib","rows":${kib * 14}`).toSorted(),
    )
  } finally {
    await sql.end({ timeout: 0 })
    await store.close()
    await database.close()
  }
})
