import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createLog, systemWorld } from '@muster/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSql, type PostgresConnection } from '../postgres/connection.ts'
import { isRunning, readPidFile } from './old-server.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from './start-embedded-postgres.ts'

describe('the embedded Postgres', () => {
  let root: string
  let started: EmbeddedPostgres[]
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'muster-pg-'))
    started = []
  })
  afterEach(async () => {
    for (const each of started) await each.stop()
    await rm(root, { recursive: true, force: true })
  })

  const start = async (directory: string, more: { port?: number; lines?: string[] } = {}) => {
    const { port, lines = [] } = more
    const log = createLog((line) => lines.push(line), systemWorld)
    const embedded = await startEmbeddedPostgres(port === undefined ? { directory } : { directory, port }, {
      world: systemWorld,
      log,
    })
    started.push(embedded)
    return embedded
  }

  const ask = async (connection: PostgresConnection): Promise<string> => {
    const sql = openSql(connection, { connections: 1 })
    try {
      const [row] = await sql<[{ text: string }]>`
        SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit') || ' '
          || current_setting('server_encoding') || ' ' || (SELECT datcollate FROM pg_database WHERE datname = 'muster') AS text`
      return row.text
    } finally {
      await sql.end()
    }
  }

  test('starts in an empty directory, durable, whatever the path and the locale', async () => {
    const directory = path.join(root, `a "b", c d`)
    const kept = { LANG: process.env['LANG'], LC_ALL: process.env['LC_ALL'] }
    process.env['LC_ALL'] = 'xx_YY.nowhere'
    delete process.env['LANG']
    try {
      const { connection, stop } = await start(directory)
      expect(await ask(connection)).toBe('on on UTF8 C')
      await stop()
      started.pop()
      expect(await ask((await start(directory)).connection)).toBe('on on UTF8 C')
    } finally {
      for (const [name, value] of Object.entries(kept)) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })

  test('listens on a port of this machine where the path is too long for a socket', async () => {
    const directory = path.join(root, 'x'.repeat(120))
    const { connection } = await start(directory)
    expect(connection.host).toBe('127.0.0.1')
    expect(await ask(connection)).toContain('on')
  })

  test('lets nobody in without the password, which only its owner can read and no log shows', async () => {
    const directory = path.join(root, 'pg')
    const lines: string[] = []
    const { connection } = await start(directory, { lines })
    await expect(ask({ ...connection, password: 'guess' })).rejects.toMatchObject({ code: '28P01' })
    expect(connection.password).toMatch(/^[0-9a-f]{64}$/)
    expect((await stat(path.join(directory, 'password'))).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o077).toBe(0)
    expect((await stat(path.join(directory, 'data'))).mode & 0o077).toBe(0)
    const log = await readFile(path.join(directory, 'postgres.log'), 'utf8')
    expect(`${log}${lines.join('')}`).not.toContain(connection.password)
    expect((await readdir(directory)).toSorted()).toEqual([
      'data',
      'password',
      'postgres.log',
      'socket',
      'supervisor.pid',
    ])
  })

  test('is not given to two markets at a time', async () => {
    const directory = path.join(root, 'pg')
    const first = await start(directory)
    await expect(start(directory)).rejects.toMatchObject({ code: 'unavailable', facts: { path: expect.any(String) } })
    expect(await ask(first.connection)).toContain('on')
  })

  test('does not take over a directory that holds something else', async () => {
    await writeFile(path.join(root, 'thesis.txt'), 'mine')
    const before = await stat(root)
    await expect(start(root)).rejects.toMatchObject({ code: 'unavailable', retry: 'never' })
    const after = await stat(root)
    expect([after.uid, after.mode]).toEqual([before.uid, before.mode])
  })

  test('starts over a lock file whose process id went to another program', async () => {
    const directory = path.join(root, 'pg')
    const { connection, stop } = await start(directory)
    await stop()
    started.pop()
    const file = path.join(directory, 'data', 'postmaster.pid')
    const lines = [process.pid, path.join(directory, 'data'), 1, 5432, '', '', '  1  1', 'ready']
    await writeFile(file, `${lines.join('\n')}\n`)
    await chmod(file, 0o666)
    expect(await ask((await start(directory)).connection)).toContain('on')
    expect(connection.database).toBe('muster')
  })

  test('starts over an initdb that was cut off', async () => {
    const directory = path.join(root, 'pg')
    await mkdir(path.join(directory, 'data.new', 'base'), { recursive: true })
    await writeFile(path.join(directory, 'password'), '')
    expect(await ask((await start(directory)).connection)).toContain('on')
    expect(await readdir(directory)).not.toContain('data.new')
  })

  test.for(['SIGKILL', 'SIGTERM'] as const)('ends when its program ends by %s', async (signal) => {
    const directory = path.join(root, 'pg')
    const module = JSON.stringify(path.join(import.meta.dirname, 'start-embedded-postgres.ts'))
    const program = `
      import { startEmbeddedPostgres } from ${module}
      import { systemWorld } from '@muster/protocol'
      await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} }, { world: systemWorld })
      console.log('up')`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const postmaster = await readPidFile(path.join(directory, 'data'))
    expect(postmaster?.status).toBe('ready')
    child.kill(signal)
    await gone
    await expect.poll(() => isRunning(postmaster?.pid ?? 0), { timeout: 30_000 }).toBe(false)
    expect(await ask((await start(directory)).connection)).toContain('on')
  })

  test('stops a server whose market and supervisor were killed', async () => {
    const directory = path.join(root, 'pg')
    await start(directory)
    const old = await readPidFile(path.join(directory, 'data'))
    const supervisor = Number(await readFile(path.join(directory, 'supervisor.pid'), 'utf8'))
    process.kill(supervisor, 'SIGKILL')
    await expect
      .poll(async () => (await readPidFile(path.join(directory, 'data')))?.pid ?? old?.pid, { timeout: 30_000 })
      .not.toBe(old?.pid)
    expect(isRunning(old?.pid ?? 0)).toBe(false)
  })
})
