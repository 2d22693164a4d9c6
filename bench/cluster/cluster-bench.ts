import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startDevnet, type AgentPlan, type Devnet } from '@muster/devnet'
import { startEmbeddedPostgres } from '@muster/market'
import { parseUsd, sleep, systemWorld } from '@muster/protocol'
import { createMuster, type Muster } from '@muster/sdk'
import { freePort, hasNats, howToGetNats, startNats } from '../../market/cluster/bus/start-nats.ts'
import { describeMachine, median, type BenchResult } from '../bench-result.ts'
import { noopJob, runOneJob } from '../task/muster-round.ts'

const tasks = 1_000
const jobsAtOnce = 3
const warmUpRounds = 3
const rounds = 3
const kills = 3
const pauseMs = 10
const tasksUnderKill = 10_000
const jobsUnderKill = 4
/** A node is taken out after standing still for this long, as others see it; they look once a second. */
const nodeTimeoutSeconds = 3
const lookSeconds = 1

const agents: readonly AgentPlan[] = Array.from({ length: 6 }, (_, index) => ({
  name: `agent-${index}`,
  region: 'bench',
  country: 'ZZ',
  slots: 2,
  prices: { noop: { nanoUsd: BigInt(100 + index), per: 'task' } },
}))
const slots = 12

interface Place {
  readonly directory: string
  readonly databaseUrl: () => Promise<string>
  readonly natsUrl: string
}

const start = async ({ directory, databaseUrl, natsUrl }: Place, nodes: number, name: string): Promise<Devnet> =>
  startDevnet({
    directory: path.join(directory, name),
    agents,
    port: 0,
    nodes,
    databaseUrl: await databaseUrl(),
    natsUrl,
    graceMs: 10_000,
    tenantBalance: parseUsd('1000'),
  })

const clientsOf = ({ nodes, apiKey }: Devnet): Muster[] => nodes.map(({ url }) => createMuster({ url, apiKey }))

/** Jobs at all nodes in turn, at the same time: tasks a second of all of them together. */
const round = async (clients: readonly Muster[]): Promise<number> => {
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: jobsAtOnce }, async (_, index) => {
      const client = clients[index % clients.length]
      if (client !== undefined) await runOneJob(client, tasks, slots / jobsAtOnce)
    }),
  )
  return (jobsAtOnce * tasks * 1_000) / (performance.now() - startedAt)
}

const measureSpeed = async (place: Place, nodes: number): Promise<number[]> => {
  const devnet = await start(place, nodes, `speed-${nodes}`)
  try {
    const clients = clientsOf(devnet)
    for (let warm = 0; warm < warmUpRounds; warm++) await round(clients)
    const speeds: number[] = []
    for (let number = 0; number < rounds; number++) speeds.push(await round(clients))
    return speeds
  } finally {
    await devnet.close()
  }
}

interface Takeover {
  readonly seconds: number
  readonly lost: number
}

/** Kills the node that writes some jobs under load, and looks at another one when the next of their tasks is paid. */
const measureTakeover = async (place: Place, number: number): Promise<Takeover> => {
  const devnet = await start(place, 3, `kill-${number}`)
  try {
    const [owner, , other] = clientsOf(devnet)
    const [node] = devnet.nodes
    if (owner === undefined || other === undefined || node === undefined) throw new Error('three nodes')
    const jobs = await Promise.all(
      Array.from({ length: jobsUnderKill }, () => owner.submitJob(noopJob(tasksUnderKill, slots / jobsUnderKill))),
    )
    const paid = async (): Promise<number> => {
      const views = await Promise.all(jobs.map(({ id }) => other.getJob(id)))
      return views.reduce((sum, { counts }) => sum + counts.final, 0)
    }
    while ((await paid()) < tasksUnderKill / 10) await sleep(systemWorld, pauseMs)
    await devnet.killNode(node)
    const killedAt = performance.now()
    // What was written before the kill is read on the way.
    const before = await paid()
    while ((await paid()) <= before) await sleep(systemWorld, pauseMs)
    const seconds = (performance.now() - killedAt) / 1_000
    let lost = 0
    for (const { id } of jobs) {
      const closed = await other.waitForJob(id)
      const receipts = new Set<string>()
      for await (const { receipt } of other.listReceipts(id)) receipts.add(receipt.record.attempt)
      lost += tasksUnderKill - Math.min(closed.counts.final, receipts.size)
    }
    return { seconds, lost }
  } finally {
    await devnet.close()
  }
}

/** One, two and three nodes of one market on this machine, and how long work stands when one is killed. */
export const runClusterBench = async (): Promise<BenchResult> => {
  if (!hasNats()) throw new Error(howToGetNats)
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-bench-'))
  const closers: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })]
  try {
    const nats = await startNats()
    closers.push(nats.stop)
    let count = 0
    const databaseUrl = async (): Promise<string> => {
      const own = { directory: path.join(directory, `postgres-${count++}`), port: await freePort() }
      const postgres = await startEmbeddedPostgres(own, { world: systemWorld })
      closers.push(() => postgres.stop())
      const { user, password, host, port, database } = postgres.connection
      return `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`
    }
    const place = { directory, databaseUrl, natsUrl: nats.url }
    const [one, two, three] = [await measureSpeed(place, 1), await measureSpeed(place, 2), await measureSpeed(place, 3)]
    const takeovers: Takeover[] = []
    for (let number = 0; number < kills; number++) takeovers.push(await measureTakeover(place, number))
    return {
      bench: 'cluster',
      machine: describeMachine(),
      figures: {
        tasksPerSecond1: median(one),
        tasksPerSecond2: median(two),
        tasksPerSecond3: median(three),
        takeoverSeconds: median(takeovers.map(({ seconds }) => seconds)),
        takeoverLimitSeconds: nodeTimeoutSeconds + lookSeconds,
        lostTasks: takeovers.reduce((sum, { lost }) => sum + lost, 0),
      },
      ratios: {
        tasksPerSecond2VsOneNode: median(two) / median(one),
        tasksPerSecond3VsOneNode: median(three) / median(one),
      },
      detail: { one, two, three, takeovers },
    }
  } finally {
    for (const close of closers.toReversed()) await close()
  }
}
