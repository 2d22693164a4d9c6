import { createVerifier, loadSecp256k1, silentLog, systemWorld, type AgentMessage } from '@muster/protocol'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createAgent, type Agent } from '../agent.ts'
import { openDiskBlobCache } from '../blob/disk/open-blob-cache.ts'
import { openSqliteJournal } from '../journal/sqlite/open-journal.ts'
import { agentOptions } from '../options.ts'
import type { Workload } from '../workload/workload.ts'
import { stageSigner } from './stage-agent.ts'
import { createStageMarket, type StageMarket } from './stage-market.ts'

const secp256k1 = await loadSecp256k1()

/** Gives one output of its own for each attempt, at once. */
const echo: Workload = {
  kind: 'noop',
  execSpec: '',
  prepare: async () => {},
  run: async ({ attempt }) => ({
    outputs: [{ name: 'y', bytes: new TextEncoder().encode(attempt) }],
    cpuMs: 0,
    peakMemoryBytes: 0,
  }),
  stop: async () => {},
}

/** A real agent on real time with its journal and cache in this directory, and a market in the same process. */
export const openStageProcess = async (
  directory: string,
): Promise<{ agent: Agent; market: StageMarket; close(): Promise<void> }> => {
  const market = createStageMarket(systemWorld, stageSigner('market'))
  const journal = openSqliteJournal(path.join(directory, 'journal.sqlite'))
  const blobs = await openDiskBlobCache({ directory: path.join(directory, 'blobs'), maxBytes: 2 ** 24 }, systemWorld)
  const options = agentOptions({
    markets: [market.address],
    capacity: { cpuMilli: 5_000_000, memoryBytes: 2 ** 44, diskBytes: 0, gpus: [] },
    prices: new Map([['noop', { nanoUsd: 1n, per: 'task' }]]),
  })
  const agent = createAgent(options, {
    world: systemWorld,
    signer: stageSigner('agent'),
    verifier: createVerifier(secp256k1),
    journal,
    blobs,
    workloads: [echo],
    dialOf: () => market.dial,
    log: silentLog,
  })
  await agent.start()
  while (market.offers().length === 0) await delay(1)
  return {
    agent,
    market,
    close: async () => {
      await agent.stop()
      await journal.close()
      await blobs.close()
    },
  }
}

const claimsIn = (messages: readonly AgentMessage[]) =>
  messages.flatMap((message) => (message.type === 'claims' ? message.batches : [])).flatMap(({ claims }) => claims)

// Reserves, leases and starts without end, and prints what the agent has bound itself to, each as soon as it says so.
if (process.argv[1] === import.meta.filename) {
  const { market } = await openStageProcess(process.argv[2] ?? '')
  const say = (what: string, id: string): void => void process.stdout.write(`${what} ${id}\n`)
  let told = 0
  for (;;) {
    const reservation = await market.reserve(market.order(), 1, 60_000)
    say('reserved', reservation.record.id)
    const lease = market.lease(reservation)
    await market.open(lease)
    say('leased', lease.record.id)
    market.start(lease, 0)
    await delay(1)
    const claims = claimsIn(market.messages)
    for (const { attempt } of claims.slice(told)) say('claimed', attempt)
    told = claims.length
  }
}
