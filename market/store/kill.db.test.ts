import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { outsideAccount, parseId, systemWorld, tenantAccount } from '@muster/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPidFile } from './embedded/old-server.ts'
import { startEmbeddedPostgres } from './embedded/start-embedded-postgres.ts'
import { createPostgresStore } from './postgres/create-postgres-store.ts'
import { at, move, someEvent, someId } from './test-records.ts'

const postmasterOf = async (directory: string): Promise<number> => {
  const found = await readPidFile(path.join(directory, 'data'))
  if (found === undefined) throw new Error('no server runs here')
  return found.pid
}

describe('kill -9', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'muster-kill-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  const openHere = async () => {
    const embedded = await startEmbeddedPostgres({ directory }, { world: systemWorld })
    const store = await createPostgresStore({ connection: embedded.connection }, { world: systemWorld })
    const close = async () => {
      await store.close()
      await embedded.stop()
    }
    return { store, close }
  }

  test('of the market and its database at once, in the middle of writes, loses nothing acknowledged', async () => {
    for (const acknowledgements of [40, 700, 2_500]) {
      const script = fileURLToPath(new URL('./crash-writer.ts', import.meta.url))
      const child = spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
      const acknowledged = new Map<string, { tenant: string; version: number }>()
      const gone = new Promise((resolve) => child.once('exit', resolve))
      let lines = 0
      for await (const line of createInterface({ input: child.stdout })) {
        const [job = '', tenant = '', version = ''] = line.split(' ')
        acknowledged.set(job, { tenant, version: Number(version) })
        if (++lines !== acknowledgements) continue
        const supervisor = Number(await readFile(path.join(directory, 'supervisor.pid'), 'utf8'))
        const postmaster = await postmasterOf(directory)
        process.kill(postmaster, 'SIGKILL')
        process.kill(-supervisor, 'SIGKILL')
        child.kill('SIGKILL')
      }
      await gone
      expect(lines).toBeGreaterThanOrEqual(acknowledgements)
      const { store, close } = await openHere()
      for (const [job, { tenant, version }] of acknowledged) {
        const stream = await store.readStream(parseId('job', job))
        expect(stream?.version).toBeGreaterThanOrEqual(version)
        expect(stream?.events.length).toBe(stream?.version)
        expect(await store.ledger.balance(tenantAccount(parseId('tenant', tenant)))).toBe(BigInt(stream?.version ?? -1))
      }
      expect(await store.ledger.audit()).toMatchObject({ total: 0n, mismatches: [] })
      await close()
    }
  })

  test('of the database alone: it is started again, and every commit still happens, once', async () => {
    const { store, close } = await openHere()
    const commits = 400
    const write = async () => {
      const [job, tenant] = [someId('job'), someId('tenant')]
      for (let version = 0; version < commits; version++) {
        await store.commit({
          appends: [{ stream: job, expectedVersion: version, events: [someEvent()], at }],
          entries: [move(outsideAccount, tenantAccount(tenant), 1n)],
        })
        if (version === commits / 2 && job === killer) process.kill(await postmasterOf(directory), 'SIGKILL')
        killer ??= job
      }
      return { job, tenant }
    }
    let killer: string | undefined
    const written = await Promise.all(Array.from({ length: 8 }, write))
    for (const { job, tenant } of written) {
      expect((await store.readStream(job))?.version).toBe(commits)
      expect(await store.ledger.balance(tenantAccount(tenant))).toBe(BigInt(commits))
    }
    expect(await store.ledger.audit()).toMatchObject({ total: 0n, mismatches: [] })
    await close()
  })
})
