import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { spawnProgram, startDevnet, type Devnet, type Program } from '@muster/devnet'
import { parseUsd, type Address } from '@muster/protocol'
import { createMuster, type JobSpecInput, type Markets } from '@muster/sdk'
import { afterEach, expect, test } from 'vitest'
import { agentArguments } from '../../devnet/agent-arguments.ts'
import { callAdmin } from '../../devnet/call-admin.ts'
import { runScript } from './run-script.ts'
import { noopAgents, noopJob } from './test-network.ts'

interface ThreeMarkets {
  readonly directory: string
  readonly agentDirectory: string
  readonly devnets: readonly Devnet[]
  readonly agent: Program
  readonly provider: Address
  readonly markets: Markets
  close(): Promise<void>
}

const script = path.join(import.meta.dirname, '..', '..', 'agent', 'main.ts')

const slots = 6

/** Small enough that a small machine has six. */
const smallJob = (tasks: number, atOnce: number): JobSpecInput => ({
  ...noopJob(tasks, atOnce),
  resources: { cpuMilli: 250, memoryBytes: 2 ** 28, diskBytes: 0 },
})

const stakeAt = async ({ url, adminKey }: Devnet, provider: Address): Promise<void> => {
  await callAdmin(url, adminKey)('deposit', { to: { account: 'stake', provider }, amount: parseUsd('5') })
}

/** Three markets, each of processes of its own, and one agent that sells to all of them. */
const startThree = async (): Promise<ThreeMarkets> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-test-'))
  const closing: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })]
  const close = async (): Promise<void> => {
    for (const action of closing.splice(0).reverse()) await action()
  }
  try {
    const devnets: Devnet[] = []
    for (const name of ['a', 'b', 'c']) {
      const devnet = await startDevnet({
        directory: path.join(directory, name),
        agents: [],
        port: 0,
        graceMs: 2_000,
        benchmarkHours: 0,
        tenantBalance: parseUsd('10'),
      })
      closing.push(() => devnet.close())
      devnets.push(devnet)
    }
    const [plan] = noopAgents([slots])
    if (plan === undefined) throw new Error('no plan')
    const agentDirectory = path.join(directory, 'agent')
    const [first, second] = devnets
    const marketUrl = `${first?.url},${second?.url}`
    const args = await agentArguments(plan, { marketUrl, directory: agentDirectory, chainId: first?.chainId ?? 0 })
    const agent = await spawnProgram({
      name: 'agent',
      script,
      args: [...args, '--slot-cpu-milli', '250', '--slot-memory-mib', '384', '--no-benchmarks'],
      logFile: path.join(directory, 'agent.log'),
      readyTimeoutMs: 60_000,
    })
    closing.push(() => agent.stop(10_000))
    const provider = String(agent.ready['provider']) as Address
    for (const devnet of devnets) await stakeAt(devnet, provider)
    const markets = createMuster({
      markets: devnets.map(({ url, apiKey, market }) => ({ url, apiKey, market })),
      patienceMs: 5_000,
    })
    return { directory, agentDirectory, devnets, agent, provider, markets, close }
  } catch (error) {
    await close()
    throw error
  }
}

const runAgent = (args: readonly string[], { agentDirectory }: ThreeMarkets) =>
  runScript(script, [...args, '--data-directory', agentDirectory])

/** What the agent says of its markets. */
const statusOf = async ({ agentDirectory }: ThreeMarkets) =>
  (
    JSON.parse(await readFile(path.join(agentDirectory, 'markets-status.json'), 'utf8')) as {
      markets: { url: string; phase: string; reserved: number; leased: number }[]
    }
  ).markets

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 50))
}

const offeredAt = async (scene: ThreeMarkets, index: number): Promise<number> => {
  const offers = (await scene.markets.markets[index]?.listOffers()) ?? []
  return offers.reduce((sum, { record }) => sum + (record.runtimes.includes('noop') ? record.slots : 0), 0)
}

const linkedTo = async (scene: ThreeMarkets): Promise<string[]> =>
  (await statusOf(scene)).filter(({ phase }) => phase === 'linked').map(({ url }) => url)

let scene: ThreeMarkets | undefined

afterEach(async () => {
  await scene?.close()
  scene = undefined
})

test('one agent sells every slot of its machine once over three markets; one is killed, and its job is done at another', async () => {
  scene = await startThree()
  const own = scene
  const urls = own.devnets.map(({ url }) => url)

  // The third is added while the agent runs.
  const added = await runAgent(['market', 'add', urls[2] ?? ''], own)
  expect(added).toMatchObject({ exitCode: 0, stderr: '' })
  expect(added.stdout).toContain(own.devnets[2]?.market)
  await until(async () => (await linkedTo(own)).length === 3)
  await until(async () => (await Promise.all([0, 1, 2].map((at) => offeredAt(own, at)))).every((free) => free === 2))

  // All three at once, more work than there are slots for: each is done, each receipt is from the one machine.
  const jobs = await Promise.all(own.markets.markets.map((muster) => muster.submitJob(smallJob(60, slots))))
  const held = { most: 0, isOver: false }
  const watching = (async () => {
    while (!held.isOver) {
      const markets = await statusOf(own)
      held.most = Math.max(
        held.most,
        markets.reduce((sum, { reserved, leased }) => sum + reserved + leased, 0),
      )
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  const closed = await Promise.all(jobs.map(({ id }) => own.markets.waitForJob(id)))
  held.isOver = true
  await watching
  expect(held.most).toBeLessThanOrEqual(slots)
  expect(closed.map(({ outcome, counts }) => [outcome, counts.final])).toEqual(closed.map(() => ['succeeded', 60]))
  const paid = new Set<string>()
  for (const { id } of jobs)
    for await (const { receipt } of own.markets.listReceipts(id)) {
      expect(receipt.record.provider).toBe(own.provider)
      paid.add(receipt.record.id)
    }
  expect(paid.size).toBe(180)
  expect((await own.markets.listJobs()).jobs.map(({ market }) => market).toSorted()).toEqual(urls.toSorted())

  // What was claimed was paid, as each market’s statement says. The agent writes its counts down every few seconds.
  const readEarnings = async () => {
    const { exitCode, stdout } = await runAgent(['earnings', '--late-minutes', '0', '--json'], own)
    expect(exitCode).toBe(0)
    return JSON.parse(stdout) as { provider: Address; markets: { earnings: { claims: number } }[] }
  }
  await until(async () => (await readEarnings()).markets.every(({ earnings }) => earnings.claims > 0))
  expect(await readEarnings()).toMatchObject({
    provider: own.provider,
    markets: urls.map(() => ({ earnings: { receipts: 60, claims: 60, missing: [], faults: [] }, problem: null })),
  })

  // The market that gets the next job dies with it.
  const homes: string[] = []
  const found: number[] = []
  for await (const { index } of own.markets.runTasks(smallJob(20, 2), {
    whenLost: 'resubmit',
    lostAfterMs: 500,
    onSubmit: ({ market }) => {
      homes.push(market)
      const devnet = own.devnets.find(({ url }) => url === market)
      if (homes.length === 1 && devnet?.nodes[0] !== undefined) void devnet.killNode(devnet.nodes[0])
    },
  }))
    found.push(index)
  expect(new Set(found)).toEqual(new Set(Array.from({ length: 20 }, (_, index) => index)))
  const [lost = ''] = homes
  const rest = urls.filter((url) => url !== lost)
  if (homes.length === 2) expect(rest).toContain(homes[1])
  await until(async () => !(await linkedTo(own)).includes(lost))
  const { jobs: left, missing } = await own.markets.listJobs()
  expect(missing.map(({ market }) => market)).toEqual([lost])
  expect(left.length).toBeGreaterThanOrEqual(2)

  expect((await runAgent(['earnings'], own)).exitCode).toBe(3)

  // It is left, and what is left of the machine is sold to the others.
  expect((await runAgent(['market', 'remove', lost, '--forget'], own)).exitCode).toBe(0)
  const log = () => readFile(path.join(own.directory, 'agent.log'), 'utf8')
  await until(async () => (await log()).includes('has left a market'))
  const again = await own.markets.submitJob(smallJob(10, 2))
  expect(rest).toContain(again.market)
  expect((await own.markets.waitForJob(again.job.id)).outcome).toBe('succeeded')
}, 120_000)
