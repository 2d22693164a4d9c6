import { setTimeout as wait } from 'node:timers/promises'
import {
  createSigner,
  createVerifier,
  loadSecp256k1,
  silentLog,
  systemWorld,
  type Address,
  type Log,
} from '@muster/protocol'
import { createAgent, type Agent } from '../../agent/agent.ts'
import { openMemoryBlobCache } from '../../agent/blob/memory/open-blob-cache.ts'
import { openMemoryJournal } from '../../agent/journal/memory/open-journal.ts'
import { createDialer } from '../../agent/link/dial-market.ts'
import { agentOptions } from '../../agent/options.ts'
import { createNoopWorkload } from '../../agent/workload/noop/create-workload.ts'

// Many agents in one process: real but for their journals and caches, which are in memory, and for their machines, which do nothing.

const [marketUrl = '', marketAddress = '', chainId = '1', first = '0', count = '1'] = process.argv.slice(2)
const market = marketAddress as Address
const secp256k1 = await loadSecp256k1()
const verifier = createVerifier(secp256k1)
const slots = 8
const atOnce = 16
let linked = 0
const log: Log = {
  ...silentLog,
  info: (message) => {
    if (message === 'ready') linked++
  },
}

const startAgent = async (index: number): Promise<Agent> => {
  const signer = createSigner(secp256k1, systemWorld.random(32))
  const dial = createDialer(
    { marketUrl, chainId: Number(chainId), market },
    { world: systemWorld, signer, log: silentLog },
  )
  const options = agentOptions({
    markets: [market],
    chainId: Number(chainId),
    capacity: { cpuMilli: 1000 * slots, memoryBytes: 2 ** 30 * slots, diskBytes: 2 ** 30, gpus: [] },
    prices: new Map([['noop', { nanoUsd: BigInt(100 + ((index * 7919) % 400)), per: 'task' }]]),
  })
  const agent = createAgent(options, {
    world: systemWorld,
    signer,
    verifier,
    journal: openMemoryJournal(),
    blobs: openMemoryBlobCache({ maxBytes: 2 ** 20 }),
    workloads: [createNoopWorkload()],
    dialOf: () => dial,
    log,
  })
  await agent.start()
  return agent
}

const agents: Agent[] = []
for (let index = 0; index < Number(count); index++) {
  agents.push(await startAgent(Number(first) + index))
  // A market that is dialled by all at once turns many away, and each tries again later.
  while (linked < agents.length - atOnce) await wait(10)
}
while (linked < agents.length) await wait(10)
const keepAlive = setInterval(() => {}, 60_000)
process.send?.('started')
process.on('disconnect', () => {
  clearInterval(keepAlive)
  void Promise.all(agents.map((agent) => agent.stop())).then(() => process.exit(0))
})
