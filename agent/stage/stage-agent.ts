import { createSigner, createVerifier, digestBytes, loadSecp256k1, silentLog, type Signer } from '@muster/protocol'
import { createAgent, type Agent, type AgentModules } from '../agent.ts'
import type { BlobCache } from '../blob/blob-cache.ts'
import { openMemoryBlobCache } from '../blob/memory/open-blob-cache.ts'
import type { Journal } from '../journal/journal.ts'
import { openMemoryJournal } from '../journal/memory/open-journal.ts'
import { agentOptions, type AgentOptions, type GivenAgentOptions } from '../options.ts'
import { createStageMarket, type StageMarket } from './stage-market.ts'
import { createStageWorkload, type StageWorkload } from './stage-workload.ts'
import { createVirtualWorld, type VirtualWorld } from './virtual-world.ts'

const secp256k1 = await loadSecp256k1()

export const stageSigner = (name: string): Signer =>
  createSigner(secp256k1, digestBytes(new TextEncoder().encode(name)))

export interface Stage {
  readonly world: VirtualWorld
  readonly market: StageMarket
  readonly workload: StageWorkload
  readonly journal: Journal
  readonly blobs: BlobCache
  readonly options: AgentOptions
  agent(): Agent
  /** The agent vanishes as by `kill -9`; the next starts on the same journal and cache. */
  restart(): Promise<Agent>
}

export interface StageOptions {
  readonly seed?: number
  readonly options?: GivenAgentOptions
  readonly modules?: Partial<AgentModules>
  readonly cacheBytes?: number
}

/** What an agent of a stage is made of. */
export const stageModules = async ({
  seed = 1,
  options = {},
  modules = {},
  cacheBytes = 2 ** 24,
}: StageOptions = {}) => {
  const world = createVirtualWorld(seed)
  const market = createStageMarket(world, stageSigner('market'))
  const workload = createStageWorkload()
  const compiled = agentOptions({
    markets: [market.address],
    capacity: { cpuMilli: 4000, memoryBytes: 2 ** 33, diskBytes: 2 ** 33, gpus: [] },
    prices: new Map([['noop', { nanoUsd: 1000n, per: 'task' }]]),
    ...options,
  })
  const made: AgentModules = {
    world,
    signer: stageSigner('agent'),
    verifier: createVerifier(secp256k1),
    workloads: [workload],
    dialOf: () => market.dial,
    log: silentLog,
    journal: openMemoryJournal(),
    blobs: openMemoryBlobCache({ maxBytes: cacheBytes }),
    ...modules,
  }
  return { world, market, workload, options: compiled, modules: made }
}

/** A real agent on virtual time, with its journal and cache in memory, one market, and a workload a test ends by hand. */
export const setStage = async (stageOptions: StageOptions = {}): Promise<Stage> => {
  const { world, market, workload, options, modules } = await stageModules(stageOptions)
  let agent = createAgent(options, modules)
  await agent.start()
  await world.settle()
  return {
    world,
    market,
    workload,
    journal: modules.journal,
    blobs: modules.blobs,
    options,
    agent: () => agent,
    restart: async () => {
      await agent.stop()
      agent = createAgent(options, modules)
      await agent.start()
      await world.settle()
      return agent
    },
  }
}
