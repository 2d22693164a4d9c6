import { copyFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { spawnProgram } from '@muster/devnet'
import { buildModelBytes } from '@muster/graph'
import { verifyBill, verifyReceipt, type JobView } from '@muster/sdk'
import { afterEach, expect, test } from 'vitest'
import { noopAgents, noopJob, startTestNetwork, type TestNetwork } from './test-network.ts'

let network: TestNetwork | undefined

afterEach(async () => {
  await network?.close()
  network = undefined
})

const expectHonestBill = async ({ muster, devnet }: TestNetwork, job: JobView, tasks: number): Promise<void> => {
  expect(job.outcome).toBe('succeeded')
  expect(job.counts.final).toBe(tasks)
  const receipts = await Array.fromAsync(muster.listReceipts(job.id))
  expect(receipts).toHaveLength(tasks)
  expect(verifyBill(receipts, job.charged).checks.filter(({ result }) => result === 'failed')).toEqual([])
  for (const bundle of receipts.slice(0, 20)) {
    const { checks } = verifyReceipt(bundle, { market: devnet.market })
    expect(checks.filter(({ result }) => result === 'failed')).toEqual([])
  }
  const account = await muster.account()
  expect(account.escrow).toBe(0n)
  expect(account.balance).toBe(10_000_000_000n - job.charged)
}

/** A chain of matrix products that takes a while. */
const slowModel = (): Uint8Array => {
  const size = 384
  const nodes = Array.from({ length: 24 }, (_, index) => ({
    op: 'MatMul',
    inputs: [index === 0 ? 'x' : `h${index}`, 'x'],
    outputs: [index === 23 ? 'y' : `h${index + 1}`],
  }))
  const value = (name: string) => ({ name, dtype: 'float32' as const, dims: [size, size] })
  return buildModelBytes({ nodes, inputs: [value('x')], outputs: [value('y')] })
}

const slowJob = async ({ muster }: TestNetwork, tasks: number, slots: number) => {
  const program = await muster.publishProgram(slowModel())
  const tensors = Array.from({ length: tasks }, (_, index) => ({
    dtype: 'float32' as const,
    dims: [384, 384],
    data: new Float32Array(384 * 384).fill(0.001 * (index + 1)),
  }))
  const cids = await muster.putTensors(tensors)
  return {
    ...noopJob(tasks, slots),
    runtime: 'graph' as const,
    program: program.id,
    resources: { cpuMilli: 1_000, memoryBytes: 2 ** 29, diskBytes: 0 },
    tasks: cids.map((cid) => ({ inputs: [{ name: 'x', cid }] })),
    maxPrice: { nanoUsd: 20n, per: 'operator' as const },
    ceiling: 20n * 24n * BigInt(tasks),
  }
}

test('a market killed in the middle of a job carries on after its restart, and nothing is lost or paid twice', async () => {
  network = await startTestNetwork({ agents: noopAgents([2, 2]) })
  const { muster, devnet } = network
  const job = await muster.submitJob(await slowJob(network, 40, 4))
  for await (const { counts } of muster.watchJob(job.id)) if (counts.final >= 5) break
  await devnet.crashMarket()
  await expectHonestBill(network, await muster.waitForJob(job.id), 40)
})

test('an agent killed in the middle of its attempts and started again takes them up, and is paid once', async () => {
  network = await startTestNetwork({ agents: noopAgents([2]), graceMs: 20_000 })
  const { muster, devnet } = network
  const job = await muster.submitJob(await slowJob(network, 12, 2))
  for await (const { counts } of muster.watchJob(job.id)) if (counts.final >= 2) break
  const [agent] = devnet.agents
  if (agent === undefined) throw new Error('no agent')
  await devnet.crashAgent(agent)
  await expectHonestBill(network, await muster.waitForJob(job.id), 12)
})

test('an agent that never comes back loses its work to another, and is not paid for it', async () => {
  network = await startTestNetwork({ agents: noopAgents([1, 1]) })
  const { muster, devnet } = network
  const job = await muster.submitJob(await slowJob(network, 16, 2))
  for await (const { counts } of muster.watchJob(job.id)) if (counts.final >= 2) break
  const [agent] = devnet.agents
  agent?.program.kill()
  const closed = await muster.waitForJob(job.id)
  await expectHonestBill(network, closed, 16)
  const events = await Array.fromAsync(muster.watchJob(job.id))
  expect(events.some(({ type }) => type === 'lost')).toBe(true)
})

test('a second agent with the same key is refused, says why, and the first works on', async () => {
  network = await startTestNetwork({ agents: noopAgents([1]) })
  const { muster, devnet, directory } = network
  const copy = path.join(directory, 'copy')
  await mkdir(copy, { mode: 0o700 })
  await copyFile(path.join(directory, 'agent-0', 'agent.key'), path.join(copy, 'agent.key'))
  const flags = { 'data-directory': copy, 'market-url': devnet.url, 'slot-memory-mib': 512, 'cache-mib': 64 }
  const starting = spawnProgram({
    name: 'copy',
    script: path.join(import.meta.dirname, '..', '..', 'agent', 'main.ts'),
    args: Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    logFile: path.join(directory, 'copy.log'),
    readyTimeoutMs: 30_000,
  })
  await expect(starting).rejects.toThrow('Another agent uses this key')
  const closed = await muster.waitForJob((await muster.submitJob(noopJob(20, 1))).id)
  await expectHonestBill(network, closed, 20)
})
