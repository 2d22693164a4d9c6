import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { spawnProgram } from '@muster/devnet'
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@muster/market'
import { sleep, systemWorld, type JobId } from '@muster/protocol'
import { createMuster, verifyBill } from '@muster/sdk'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePort, hasNats, howToGetNats, startNats, type StartedNats } from '../../market/cluster/bus/start-nats.ts'
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

  test('NATS and then Postgres away in the middle of a job: it goes on by itself, and nothing is lost or paid twice', async () => {
    network = await startTestNetwork({ agents: noopAgents([1, 1, 1]), nodes: 3, databaseUrl, natsUrl: nats.url })
    const { devnet } = network
    const [, second, third] = devnet.nodes.map(({ url }) => createMuster({ url, apiKey: devnet.apiKey }))
    if (second === undefined || third === undefined) throw new Error('three nodes')
    const finalOf = async (id: JobId): Promise<number> => (await third.getJob(id)).counts.final
    const { id } = await second.submitJob(noopJob(10_000, 3))
    await vi.waitFor(async () => expect(await finalOf(id)).toBeGreaterThan(100), { timeout: 30_000 })
    await nats.stop()
    const withoutNats = await second.submitJob(noopJob(200, 3))
    expect((await third.waitForJob(withoutNats.id)).outcome).toBe('succeeded')
    const underWay = await second.submitJob(noopJob(5_000, 3))
    await postgres.stop()
    await sleep(systemWorld, 5_000)
    postgres = await startEmbeddedPostgres(place, { world: systemWorld })
    await nats.again()
    const all = createMuster({ url: devnet.url, apiKey: devnet.apiKey, retry: { attempts: 20 } })
    for (const [job, tasks] of [
      [id, 10_000],
      [underWay.id, 5_000],
    ] as const) {
      expect(await all.waitForJob(job)).toMatchObject({ outcome: 'succeeded', counts: { final: tasks } })
      const receipts = await Array.fromAsync(all.listReceipts(job))
      expect(new Set(receipts.map(({ receipt }) => receipt.record.attempt)).size).toBe(tasks)
      expect(receipts).toHaveLength(tasks)
    }
    expect((await all.account()).escrow).toBe(0n)
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
