import {
  createLog,
  createSigner,
  createVerifier,
  loadSecp256k1,
  MusterError,
  slotsThatFit,
  sleep,
  systemWorld,
  type Address,
  type DialMarket,
  type Log,
  type World,
} from '@muster/protocol'
import { createRuntimePool, readExecSpec } from '@muster/runtime'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { createAgent, type Agent } from './agent.ts'
import { openDiskBlobCache } from './blob/disk/open-blob-cache.ts'
import { compileOptions } from './compile-options.ts'
import { detectDevice } from './device/detect-device.ts'
import { openSqliteJournal } from './journal/sqlite/open-journal.ts'
import { loadKey } from './key/load-key.ts'
import { createDialer } from './link/dial-market.ts'
import { askMarket } from './market/ask-market.ts'
import { readAttestations } from './offer/read-attestations.ts'
import type { AgentOptions } from './options.ts'
import { createLoadSampler } from './owner/sample-load.ts'
import { followPrices, openPrices } from './price/follow-prices.ts'
import { createGraphWorkload } from './workload/graph/create-workload.ts'
import { createNoopWorkload } from './workload/noop/create-workload.ts'
import type { Workload } from './workload/workload.ts'
import type { DefaultedAgentOptions } from './written-options.ts'

/** An agent of this machine, with what it has open. */
export interface RunningAgent {
  readonly agent: Agent
  /** Closes what the agent worked with, once it has stopped. */
  close(): Promise<void>
}

export interface RunAgentModules {
  readonly writeLine: (line: string) => void
  /** Ends the wait for markets that cannot be reached yet. */
  readonly signal: AbortSignal
}

const askTimeoutMs = 5000
const askAgainMs = 500
const askAgainAtMostMs = 15_000

/** The market's address: asked for until it answers; checked where it is written. */
const identify = async (
  written: DefaultedAgentOptions,
  index: number,
  ca: readonly string[],
  { world, log, signal }: { readonly world: World; readonly log: Log; readonly signal: AbortSignal },
): Promise<Address> => {
  const known = written.marketAddress[index]
  if (known !== undefined) return known
  const url = written.marketUrl[index] ?? ''
  for (let waitMs = askAgainMs; ; waitMs = Math.min(askAgainAtMostMs, waitMs * 2)) {
    try {
      const { address, chainId } = await askMarket(url, ca, askTimeoutMs)
      if (chainId === written.chainId) return address
      throw new MusterError({
        code: 'request_invalid',
        message: `The market at ${url} is on another network; say --chain-id ${chainId} if that is meant.`,
        facts: { expected: written.chainId, found: chainId },
      })
    } catch (error) {
      if (error instanceof MusterError && error.code === 'request_invalid') throw error
      log.warn('waiting for the market', { url, error })
    }
    await sleep(world, waitMs, signal)
  }
}

const openWorkloads = async (options: AgentOptions, log: Log): Promise<Workload[]> => {
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
  }
  return workloads
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
    const blobs = await openDiskBlobCache(
      { directory: path.join(dataDirectory, 'blobs'), maxBytes: written.cacheMib * 2 ** 20 },
      world,
    )
    closing.push(() => blobs.close())
    const device = await detectDevice({ dataDirectory, nvidiaSmi: written.nvidiaSmi }, log)
    const markets = await Promise.all(
      written.marketUrl.map((_url, index) => identify(written, index, ca, { world, log, signal })),
    )
    const dials = new Map<Address, DialMarket>()
    for (const [index, market] of markets.entries()) {
      const marketUrl = written.marketUrl[index] ?? ''
      dials.set(market, createDialer({ marketUrl, chainId: written.chainId, market, ca }, { world, signer, log }))
    }
    const attestations = written.attestationFile === null ? [] : await readAttestations(written.attestationFile)
    const found = { device, markets: [...dials.keys()], prices: prices.policy, attestations }
    const options = compileOptions(written, found, log)
    const workloads = await openWorkloads(options, log)
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
      blobs,
      workloads,
      dialOf: (market) => {
        const dial = dials.get(market)
        if (dial === undefined) throw new RangeError(`no dialer for ${market}`)
        return dial
      },
      log,
      sampleLoad: createLoadSampler(),
    })
    const sold = new Set(workloads.map(({ kind }) => kind))
    const stopFollowing = followPrices(prices, { world, log, sold, reprice: agent.reprice })
    void agent.stopped.then(stopFollowing)
    return { agent, close }
  } catch (error) {
    await close()
    throw error
  }
}
