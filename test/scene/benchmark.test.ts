import { setTimeout as sleep } from 'node:timers/promises'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { runScript } from './run-script.ts'
import { noopAgents, startTestNetwork } from './test-network.ts'

const root = path.join(import.meta.dirname, '..', '..')

test('a machine is measured when it links, and its page says what it showed', async () => {
  const network = await startTestNetwork({ agents: noopAgents([1]) })
  onTestFinished(() => network.close())
  const [agent] = network.devnet.agents
  if (agent === undefined) throw new Error('the network has an agent')
  const { provider } = agent
  let record = await network.muster.providerRecord(provider)
  while (record.benchmarks.length === 0) {
    await sleep(200)
    record = await network.muster.providerRecord(provider)
  }
  expect(record.benchmarks[0]).toMatchObject({ outcome: 'measured', reason: '', figures: { mismatches: [] } })
  expect(record.machine).toMatchObject({ reproduces: true, isBelowSold: false })
  const { gflops, claimedGflops, downMbps, upMbps } = record.benchmarks[0]?.figures ?? {}
  for (const figure of [gflops, downMbps, upMbps]) expect(figure).toBeGreaterThan(0)
  expect(claimedGflops).toBeGreaterThan(gflops ?? 0)

  const env = { MUSTER_URL: network.devnet.url, MUSTER_API_KEY: network.devnet.apiKey, MUSTER_HOME: network.directory }
  const page = await runScript(path.join(root, 'cli', 'main.ts'), ['provider', 'show', provider], { cwd: root, env })
  expect(page.stdout).toContain('yes: it gave the pinned outputs, bit by bit')
}, 120_000)
