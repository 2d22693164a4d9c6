import {
  createLog,
  createSigner,
  createVerifier,
  loadSecp256k1,
  slotsThatFit,
  systemWorld,
  type Address,
  type Log,
} from '@muster/protocol'
import { createRuntimePool, readExecSpec, type RuntimePool } from '@muster/runtime'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { createAgent, type Agent } from './agent.ts'
import { createProofFiles, proofDirectoryOf } from './auction/proof-files.ts'
import { openBench } from './benchmark/open-bench.ts'
import { openDiskBlobCache } from './blob/disk/open-blob-cache.ts'
import { compileOptions } from './compile-options.ts'
import { detectDevice } from './device/detect-device.ts'
import { openSqliteJournal } from './journal/sqlite/open-journal.ts'
import { loadKey } from './key/load-key.ts'
import { claimCountsFileOf, openClaimCounts } from './earning/open-claim-counts.ts'
import { createDialer } from './link/dial-market.ts'
import { followMaintenance } from './maintenance/follow-maintenance.ts'
import { maintenanceFileOf, readMaintenance } from './maintenance/maintenance-file.ts'
import { followMarkets } from './market/follow-markets.ts'
import { identifyMarket } from './market/identify-market.ts'
import {
  marketFileOf,
  readMarketFile,
  removedMarkets,
  targetMarkets,
  type MarketFile,
  type MarketTarget,
} from './market/market-file.ts'
import { createStatusWriter, statusFileOf } from './market/status-file.ts'
import { readAttestations } from './offer/read-attestations.ts'
import type { AgentOptions } from './options.ts'
import { createLoadSampler } from './owner/sample-load.ts'
import { followPrices, openPrices } from './price/follow-prices.ts'
import { createGraphWorkload } from './workload/graph/create-workload.ts'
import { createNoopWorkload } from './workload/noop/create-workload.ts'
import type { Workload } from './workload/workload.ts'
import { defaultMarketUrl, type DefaultedAgentOptions } from './written-options.ts'

/** An agent of this machine, with what it has open. */
export interface RunningAgent {
  readonly agent: Agent
  /** Starts the agent, then links it to its markets, and follows the file of markets. */
  start(): Promise<void>
  /** Closes what the agent worked with, once it has stopped. */
  close(): Promise<void>
}

export interface RunAgentModules {
  readonly writeLine: (line: string) => void
  /** Ends the wait for markets that cannot be reached yet. */
  readonly signal: AbortSignal
}

/** Markets that no command added: those of the options, or this machine's where there are none at all. */
const givenMarkets = ({ marketUrl, marketAddress }: DefaultedAgentOptions, file: MarketFile): MarketTarget[] =>
  (marketUrl ?? (file.markets.length === 0 ? [defaultMarketUrl] : [])).map((url, index) => ({
    url,
    address: marketAddress[index] ?? null,
  }))

/** Waits for the first that is found. Throws the first one's reason where none can be; an agent without markets waits for nothing. */
const waitForOne = async (asking: readonly Promise<unknown>[]): Promise<void> => {
  if (asking.length === 0) return
  await Promise.any(asking).catch((error: unknown) => {
    throw error instanceof AggregateError ? error.errors[0] : error
  })
}

interface OpenWorkloads {
  readonly workloads: readonly Workload[]
  /** Runs programs, where any are sold. */
  readonly pool?: RuntimePool
}

const openWorkloads = async (options: AgentOptions, log: Log): Promise<OpenWorkloads> => {
  const workloads: Workload[] = []
  if (options.prices.runtimes.has('noop')) workloads.push(createNoopWorkload())
  if (options.prices.runtimes.has('graph')) {
    await readExecSpec()
    const processes = Math.max(1, Math.min(options.maxSlots, slotsThatFit(options.capacity, options.slot)))
    const pool = createRuntimePool(
      { processes, memoryBytes: options.slot.memoryBytes, taskTimeoutMs: 86_400_000 },
      { log: (event) => log.debug('runtime', { ...event }) },
    )
    workloads.push(createGraphWorkload({ pool }))
    return { workloads, pool }
  }
  return { workloads }
}

/** Opens all an agent needs on this machine and makes it, not started yet. Throws what a person can act on. */
export const runAgent = async (written: DefaultedAgentOptions, modules: RunAgentModules): Promise<RunningAgent> => {
  const { signal } = modules
  const world = systemWorld
  const log = createLog(modules.writeLine, world, written.logLevel)
  const dataDirectory = path.resolve(written.dataDirectory)
  const ca = written.caFile === null ? [] : [await readFile(written.caFile, 'utf8')]
  const prices = await openPrices(written.priceFile)
  await mkdir(dataDirectory, { recursive: true, mode: 0o700 })
  const secp256k1 = await loadSecp256k1()
  const signer = createSigner(secp256k1, await loadKey(dataDirectory, world))
  const closing: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const action of closing.splice(0).reverse()) await action()
  }
  try {
    const journal = openSqliteJournal(path.join(dataDirectory, 'journal.sqlite'))
    closing.push(() => journal.close())
    const claimCounts = openClaimCounts(claimCountsFileOf(dataDirectory), { world, log })
    closing.push(async () => claimCounts.close())
    const blobs = await openDiskBlobCache(
      { directory: path.join(dataDirectory, 'blobs'), maxBytes: written.cacheMib * 2 ** 20 },
      world,
    )
    closing.push(() => blobs.close())
    const device = await detectDevice({ dataDirectory, nvidiaSmi: written.nvidiaSmi }, log)
    const maintenanceFile = maintenanceFileOf(dataDirectory)
    const marketFile = marketFileOf(dataDirectory)
    const file = await readMarketFile(marketFile)
    const given = givenMarkets(written, file)
    const targets = targetMarkets(given, file)
    for (const url of removedMarkets(given, file))
      log.warn('this market was removed here and is passed over; `muster agent market add URL` takes it back', { url })
    if (targets.length === 0)
      log.warn('no market to sell to; add one with `muster agent market add URL`', { dataDirectory })
    const find = (target: MarketTarget, until: AbortSignal): Promise<Address> =>
      identifyMarket(target, { chainId: written.chainId, ca }, { world, log, signal: until })
    const asking = new Map(targets.map((target) => [target.url, find(target, signal)]))
    await waitForOne([...asking.values()])
    const attestations = written.attestationFile === null ? [] : await readAttestations(written.attestationFile)
    const found = { device, markets: [], prices: prices.policy, attestations }
    const options = compileOptions(written, found, log)
    const { workloads, pool } = await openWorkloads(options, log)
    for (const workload of workloads) closing.push(() => workload.stop())
    const slots = Math.min(options.maxSlots, slotsThatFit(options.capacity, options.slot))
    if (slots === 0)
      log.warn('not one slot fits into what this machine sells', { slot: options.slot, sells: options.capacity })
    log.info('starting', { provider: signer.address, slots, dataDirectory, curve: secp256k1.name })
    const agent = createAgent(options, {
      world,
      signer,
      verifier: createVerifier(secp256k1),
      journal,
      claimCounts,
      blobs,
      workloads,
      ...(pool === undefined || written.noBenchmarks
        ? {}
        : { bench: openBench({ directory: dataDirectory, nvidiaSmi: written.nvidiaSmi }, { pool, world }) }),
      dialOf: () => {
        throw new RangeError('markets are joined once the agent runs')
      },
      isExpectingMarkets: () => follower.isExpecting(),
      onBreach: createProofFiles(proofDirectoryOf(dataDirectory), log),
      log,
      sampleLoad: createLoadSampler(),
    })
    const identify = (target: MarketTarget, until: AbortSignal): Promise<Address> => {
      const known = asking.get(target.url)
      asking.delete(target.url)
      return known ?? find(target, AbortSignal.any([until, signal]))
    }
    const follower = followMarkets(given, {
      world,
      log,
      agent,
      identify,
      dialer: (marketUrl, market) =>
        createDialer({ marketUrl, chainId: written.chainId, market, ca }, { world, signer, log }),
      read: () => readMarketFile(marketFile),
      onStatus: createStatusWriter(statusFileOf(dataDirectory), {
        world,
        provider: signer.address,
        chainId: written.chainId,
      }),
    })
    const sold = new Set(workloads.map(({ kind }) => kind))
    const stopFollowing = followPrices(prices, { world, log, sold, reprice: agent.reprice })
    let stopMaintaining = () => {}
    void agent.stopped.then(() => {
      stopFollowing()
      stopMaintaining()
      follower.stop()
    })
    const start = async (): Promise<void> => {
      await agent.start()
      stopMaintaining = followMaintenance({
        world,
        log,
        read: () => readMaintenance(maintenanceFile),
        maintain: agent.maintain,
      })
      follower.start()
    }
    return { agent, start, close }
  } catch (error) {
    await close()
    throw error
  }
}
