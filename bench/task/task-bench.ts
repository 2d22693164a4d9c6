import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startDevnet, type AgentPlan } from '@muster/devnet'
import { startEmbeddedPostgres } from '@muster/market'
import { parseUsd, systemWorld } from '@muster/protocol'
import { createMuster } from '@muster/sdk'
import { describeMachine, median, percentile, type BenchResult } from '../bench-result.ts'
import { runOneJob, runOneTaskJobs } from './muster-round.ts'
import { startPgBoss } from './pg-boss-round.ts'

const tasks = 1_000
const rounds = 15
/** Until both sides run as fast as they do for good: the first rounds of a process are compiled on the way. */
const warmUpRounds = 20
const slotsPerAgent = 2
const jobsAtOnce = 64

const agents: readonly AgentPlan[] = ['a', 'b', 'c', 'd'].map((name, index) => ({
  name,
  region: 'bench',
  country: 'ZZ',
  slots: slotsPerAgent,
  prices: { noop: { nanoUsd: BigInt(100 + index), per: 'task' } },
}))

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })

const versionOf = async (name: string): Promise<string> => {
  const manifest = path.join(path.dirname(createRequire(import.meta.url).resolve(name)), '..', 'package.json')
  return String((JSON.parse(await readFile(manifest, 'utf8')) as { version: unknown }).version)
}

/** No-op tasks through the whole durable path beside pg-boss on the same Postgres, in turns. */
export const runTaskBench = async (): Promise<BenchResult> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-bench-'))
  const closers: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })]
  try {
    const place = { directory: path.join(directory, 'postgres'), port: await freePort() }
    const postgres = await startEmbeddedPostgres(place, { world: systemWorld })
    closers.push(() => postgres.stop())
    const { user, password, host, port, database } = postgres.connection
    const databaseUrl = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`
    const devnet = await startDevnet({
      directory,
      agents,
      port: 0,
      databaseUrl,
      graceMs: 10_000,
      benchmarkHours: 0,
      tenantBalance: parseUsd('1000'),
    })
    closers.push(devnet.close)
    const rival = await startPgBoss(databaseUrl, await versionOf('pg-boss'))
    closers.push(rival.stop)
    const muster = createMuster({ url: devnet.url, apiKey: devnet.apiKey })
    const slots = agents.length * slotsPerAgent

    for (let round = 0; round < warmUpRounds; round++) {
      await runOneJob(muster, tasks, slots)
      await rival.round(tasks)
    }
    await runOneTaskJobs(muster, tasks, jobsAtOnce)

    const oneJob: number[] = []
    const boss: number[] = []
    const ratios: number[] = []
    const latencies: number[] = []
    const singles: number[] = []
    const singleLatencies: number[] = []
    for (let round = 0; round < rounds; round++) {
      const ours = await runOneJob(muster, tasks, slots)
      const theirs = await rival.round(tasks)
      oneJob.push((tasks * 1000) / ours.tookMs)
      boss.push((tasks * 1000) / theirs)
      ratios.push(theirs / ours.tookMs)
      latencies.push(...ours.latenciesMs)
    }
    for (let round = 0; round < 3; round++) {
      const single = await runOneTaskJobs(muster, tasks, jobsAtOnce)
      singles.push((tasks * 1000) / single.tookMs)
      singleLatencies.push(...single.latenciesMs)
    }
    return {
      bench: 'task',
      machine: { ...describeMachine(), pgBoss: rival.version },
      figures: {
        tasksPerSecond: median(oneJob),
        taskP50Ms: percentile(latencies, 0.5),
        taskP99Ms: percentile(latencies, 0.99),
        oneTaskJobsPerSecond: median(singles),
        oneTaskJobP50Ms: percentile(singleLatencies, 0.5),
        oneTaskJobP99Ms: percentile(singleLatencies, 0.99),
        pgBossTasksPerSecond: median(boss),
      },
      ratios: { tasksPerSecondVsPgBoss: median(ratios) },
      detail: { tasksPerSecond: oneJob, pgBossTasksPerSecond: boss, oneTaskJobsPerSecond: singles },
    }
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}
