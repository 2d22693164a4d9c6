import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { spawnProgram } from '@muster/devnet'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@muster/market'
import { sleep, systemWorld, type JobId } from '@muster/protocol'
import { createMuster, verifyBill, type Muster } from '@muster/sdk'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort, hasNats, howToGetNats, startNats, type StartedNats } from '../../market/cluster/bus/start-nats.ts'
import { freezePostgres } from './freeze-postgres.ts'
import { noopAgents, noopJob, startTestNetwork, type TestNetwork } from './test-network.ts'

const describeNodes = hasNats() ? describe : describe.skip

describeNodes(`three nodes of one market${hasNats() ? '' : ` (${howToGetNats})`}`, { timeout: 300_000 }, () => {
  let directory: string
  let postgres: EmbeddedPostgres
  let nats: StartedNats
  let databaseUrl: string
  let place: { readonly directory: string; readonly port: number }
  let network: TestNetwork | undefined

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'muster-nodes-'))
    nats = await startNats()
    place = { directory: path.join(directory, 'database'), port: await freePort() }
    postgres = await startEmbeddedPostgres(place, { world: systemWorld })
    const { user, password, host, port, database } = postgres.connection
    databaseUrl = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`
  })
  afterEach(async () => {
    await network?.close()
    network = undefined
  })
  afterAll(async () => {
    await nats.stop()
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  })

  test('whichever is asked, jobs run on agents of all; a node is killed under load and nothing is lost or paid twice', async () => {
    network = await startTestNetwork({ agents: noopAgents([2, 2, 2]), nodes: 3, databaseUrl, natsUrl: nats.url })
    const { devnet } = network
    const clients = devnet.nodes.map(({ url }) => createMuster({ url, apiKey: devnet.apiKey }))
    const [first, second, third] = clients
    if (first === undefined || second === undefined || third === undefined) throw new Error('three nodes')
    const jobs = await Promise.all(clients.map((client) => client.submitJob(noopJob(3_000, 6))))
    const [lost] = jobs
    if (lost === undefined) throw new Error('three jobs')
    for await (const { counts } of third.watchJob(lost.id)) if (counts.final >= 50) break
    const [node] = devnet.nodes
    if (node === undefined) throw new Error('three nodes')
    await devnet.killNode(node)
    const all = createMuster({ url: devnet.url, apiKey: devnet.apiKey })
    for (const { id } of jobs) {
      const job = await all.waitForJob(id)
      expect(job).toMatchObject({ outcome: 'succeeded', counts: { final: 3_000 } })
      const receipts = await Array.fromAsync(all.listReceipts(id))
      expect(receipts).toHaveLength(3_000)
      expect(verifyBill(receipts, job.charged).checks.filter(({ result }) => result === 'failed')).toEqual([])
    }
    const { escrow, balance } = await all.account()
    expect(escrow).toBe(0n)
    expect(balance).toBeGreaterThan(0n)
  })

  /** Every task of the job done and paid for once. */
  const expectWhole = async (all: Muster, job: JobId, tasks: number): Promise<void> => {
    const closed = await all.waitForJob(job)
    expect(closed).toMatchObject({ outcome: 'succeeded', counts: { final: tasks } })
    const receipts = await Array.fromAsync(all.listReceipts(job))
    expect(receipts).toHaveLength(tasks)
    expect(new Set(receipts.map(({ receipt }) => receipt.record.attempt)).size).toBe(tasks)
    expect(verifyBill(receipts, closed.charged).checks.filter(({ result }) => result === 'failed')).toEqual([])
  }

  const start = async () => {
    network = await startTestNetwork({ agents: noopAgents([1, 1, 1]), nodes: 3, databaseUrl, natsUrl: nats.url })
    const { devnet } = network
    const all = createMuster({ url: devnet.url, apiKey: devnet.apiKey, retry: { attempts: 20 } })
    const one = devnet.nodes.map(({ url }) => createMuster({ url, apiKey: devnet.apiKey }))
    const finalOf = async (id: JobId): Promise<number> => (await all.getJob(id)).counts.final
    const moves = async (id: JobId): Promise<void> => {
      const before = await finalOf(id)
      await vi.waitFor(async () => expect(await finalOf(id)).toBeGreaterThan(before + 100), { timeout: 30_000 })
    }
    const areBusesUp = () =>
      Promise.all(
        devnet.nodes.map(async ({ url }) => {
          const admin = createMuster({ url, apiKey: devnet.adminKey })
          return (await admin.call('marketStatus', {})).bus
        }),
      )
    return { all, one, moves, areBusesUp }
  }

  test('NATS is killed under load and started again: work goes on, new work starts at any node, and nothing is lost', async () => {
    const { all, one, moves, areBusesUp } = await start()
    const { id } = await all.submitJob(noopJob(8_000, 3))
    await moves(id)
    await nats.stop()
    await vi.waitFor(async () => expect(await areBusesUp()).toEqual([false, false, false]), { timeout: 20_000 })
    await moves(id)
    const begun = await Promise.all(one.map((node) => node.submitJob(noopJob(200, 1))))
    for (const job of begun) await expectWhole(all, job.id, 200)
    await nats.again()
    await vi.waitFor(async () => expect(await areBusesUp()).toEqual([true, true, true]), { timeout: 20_000 })
    const after = await Promise.all(one.map((node) => node.submitJob(noopJob(200, 1))))
    for (const job of [...after, { id }]) await expectWhole(all, job.id, job.id === id ? 8_000 : 200)
    expect((await all.account()).escrow).toBe(0n)
  })

  /**
   * Longer than all that waits for Postgres here: a beat that nobody sees (3 s, `nodeTimeoutMs`), a lease that is suspected (2 s, `graceMs` of
   * this network), calls and messages between nodes that wait for it (2 s and 5 s), the store's ping (5 s), the writer's patience with a group, after which it
   * is refused, and its deadline to find out what became of it (10 s each), a new connection of the pool (10 s), the handshake of an agent that
   * dials again (10 s). What is longer does not wait for Postgres: a market whose database is silent answers pings of links (silent after 20 s);
   * calls of the SDK (30 s) start again from its retry; a hop that is idle (60 s) is opened again by the next call. After these,
   * all that happens is repeated every second or so until Postgres is back. A whole minute, on virtual time: `market/cluster/nodes.test.ts`.
   */
  const awayMs = 12_000

  test('Postgres stands still, and then is stopped, in the middle of jobs: they go on by themselves, and nothing is lost or paid twice', async () => {
    const { all, one, moves } = await start()
    const standStill = async () => {
      const thaw = await freezePostgres(place.directory)
      return async () => thaw()
    }
    const stop = async () => {
      await postgres.stop()
      return async () => {
        postgres = await startEmbeddedPostgres(place, { world: systemWorld })
      }
    }
    for (const cut of [standStill, stop]) {
      const jobs = await Promise.all(one.map((node) => node.submitJob(noopJob(4_000, 1))))
      for (const { id } of jobs) await moves(id)
      const mend = await cut()
      try {
        const { url = '', apiKey = '' } = network?.devnet ?? {}
        const hasty = createMuster({ url, apiKey, timeoutMs: 2_000, retry: { attempts: 1 } })
        await expect(hasty.submitJob(noopJob(10, 1))).rejects.toThrow()
        await sleep(systemWorld, awayMs)
      } finally {
        await mend()
      }
      for (const { id } of jobs) await expectWhole(all, id, 4_000)
    }
    const after = await all.submitJob(noopJob(200, 3))
    await expectWhole(all, after.id, 200)
    expect((await all.account()).balance).toBeGreaterThan(0n)
  })

  test('a node beside others that has no NATS, another key or other blobs says what is missing and does not start', async () => {
    network = await startTestNetwork({ agents: [], nodes: 2, databaseUrl, natsUrl: nats.url })
    const own = path.join(directory, 'own')
    const start = (...args: readonly string[]) =>
      spawnProgram({
        name: 'intruder',
        script: path.join(import.meta.dirname, '..', '..', 'market', 'main.ts'),
        args: ['--port', '0', '--database-url', databaseUrl, '--data-directory', own, ...args],
        logFile: path.join(directory, 'intruder.log'),
        readyTimeoutMs: 30_000,
      })
    const market = path.join(network.directory, 'market')
    await expect(start('--data-directory', market)).rejects.toThrow(/NATS between them: start each with --nats-url/)
    await expect(start('--nats-url', nats.url)).rejects.toThrow(/another key/)
    await mkdir(own, { recursive: true })
    await copyFile(path.join(market, 'market.key'), path.join(own, 'market.key'))
    await expect(start('--nats-url', nats.url)).rejects.toThrow(/keeps its blobs elsewhere/)
    await expect(start('--nats-url', 'nats://127.0.0.1:1')).rejects.toThrow(/NATS does not answer/)
  })
})
