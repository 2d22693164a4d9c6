import { fork, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { compileMarketOptions, runMarket } from '@muster/market'
import { createSigner, createVerifier, loadSecp256k1, parseUsd, signRecord, systemWorld } from '@muster/protocol'
import { createMuster, type JobSpecInput, type Muster } from '@muster/sdk'
import { describeMachine, median, percentile, type BenchResult } from '../bench-result.ts'

const chainId = 31_337
const agents = 1_000
const processes = 2
const windowMs = 1_000
const samples = 5
const atOnce = 4
const maxPrice = 1_000n

const jobOf = (auction?: JobSpecInput['auction']): JobSpecInput => ({
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'bench',
  runtime: 'noop',
  program: null,
  tasks: [{ inputs: [] }],
  slots: 1,
  resources: { cpuMilli: 1_000, memoryBytes: 2 ** 28, diskBytes: 0 },
  maxPrice: { nanoUsd: maxPrice, per: 'task' },
  ceiling: maxPrice,
  ...(auction === undefined ? {} : { auction }),
})

const sealed = { windowMs, pricing: 'second-price' } as const

/** From the call that submits a job to the event that says a lease is open, durably; and how many bids there were. */
const orderToLease = async (muster: Muster, job: JobSpecInput): Promise<{ tookMs: number; bids: number }> => {
  const startedAt = performance.now()
  const { id } = await muster.submitJob(job)
  let tookMs = Number.NaN
  for await (const { type } of muster.watchJob(id)) {
    if (type !== 'lease-opened') continue
    tookMs = performance.now() - startedAt
    break
  }
  await muster.waitForJob(id)
  const [auction] = job.auction === undefined ? [] : await muster.listAuctions(id)
  return { tookMs, bids: auction?.bids ?? 0 }
}

/** The least that an auction of so many bids computes on one core: two signatures of each bidder are checked. */
const signatureFloorMs = async (bids: number): Promise<number> => {
  const secp256k1 = await loadSecp256k1()
  const signer = createSigner(secp256k1, systemWorld.random(32))
  const domain = { chainId, market: signer.address }
  const signed = Array.from({ length: 2 * bids }, (_, at) => signRecord(signer, domain, { kind: 'commitment', at }))
  const verifier = createVerifier(secp256k1)
  const startedAt = performance.now()
  for (const record of signed) verifier.requireSigner(domain, record, signer.address)
  return performance.now() - startedAt
}

const startBidders = async (url: string, market: string): Promise<ChildProcess[]> => {
  const share = agents / processes
  const children = Array.from({ length: processes }, (_, index) =>
    fork(
      path.join(import.meta.dirname, 'bidder-process.ts'),
      [url, market, String(chainId), String(index * share), String(share)],
      { execArgv: ['--disable-warning=ExperimentalWarning'] },
    ),
  )
  await Promise.all(
    children.map(
      (child) =>
        new Promise<void>((resolve, reject) => {
          child.once('message', () => resolve())
          child.once('exit', (code) => reject(new Error(`bidders ended with ${code}`)))
        }),
    ),
  )
  return children
}

const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve))
}

const untilLinked = async (muster: Muster): Promise<void> => {
  for (let tries = 0; (await muster.market()).linkedAgents < agents; tries++) {
    if (tries > 600) throw new Error('the agents do not link')
    await wait(200)
  }
  await wait(1_000)
}

const round = (value: number): number => Number(value.toFixed(1))

/**
 * Sealed auctions over 1,000 linked agents: real agents in two other processes over the real link, a market with its embedded
 * Postgres, all on this machine. Order to lease is what a tenant sees: from the call to the event of the lease. Beside it the instant
 * auction of the same run, and the signature checks that no sealed auction can do without.
 */
export const runAuctionBench = async (): Promise<BenchResult> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-auction-'))
  const options = compileMarketOptions({
    dataDirectory: directory,
    port: 0,
    chainId,
    bondUsdPerSlot: '0',
    benchmarkHours: 0,
    logLevel: 'error',
  })
  const market = await runMarket(options, (line) => void process.stderr.write(`${line}\n`))
  let children: ChildProcess[] = []
  try {
    const admin = createMuster({ url: market.url, apiKey: market.adminKey })
    const made = await admin.call('createTenant', { body: { name: 'bench' } })
    const to = { account: 'tenant' as const, tenant: made.tenant }
    await admin.call('deposit', { body: { to, amount: parseUsd('10') } })
    const muster = createMuster({ url: market.url, apiKey: made.apiKey })
    children = await startBidders(market.url, market.address)
    await untilLinked(muster)
    await orderToLease(muster, jobOf(sealed))
    const instantMs: number[] = []
    const sealedMs: number[] = []
    const bids: number[] = []
    for (let sample = 0; sample < samples; sample++) {
      instantMs.push((await orderToLease(muster, jobOf())).tookMs)
      const one = await orderToLease(muster, jobOf(sealed))
      sealedMs.push(one.tookMs - windowMs)
      bids.push(one.bids)
    }
    const floorMs = await signatureFloorMs(median(bids))
    const startedAt = performance.now()
    const cpuBefore = process.cpuUsage()
    let left = samples
    const next = async (): Promise<void> => {
      while (left-- > 0) await orderToLease(muster, jobOf(sealed))
    }
    await Promise.all(Array.from({ length: atOnce }, next))
    const { user, system } = process.cpuUsage(cpuBefore)
    const auctionsPerSecond = samples / ((performance.now() - startedAt) / 1_000)
    return {
      bench: 'auction',
      machine: describeMachine(),
      figures: {
        agents,
        bids: median(bids),
        orderToLeaseMinusWindowP50Ms: round(median(sealedMs)),
        orderToLeaseMinusWindowP99Ms: round(percentile(sealedMs, 0.99)),
        auctionsPerSecond: Number(auctionsPerSecond.toFixed(2)),
        marketCpuMsPerAuction: round((user + system) / 1_000 / samples),
        instantOrderToLeaseP50Ms: round(median(instantMs)),
        signatureFloorMs: round(floorMs),
      },
      ratios: { orderToLeaseMinusWindowVsSignatureFloor: round(median(sealedMs) / floorMs) },
      detail: { windowMs, samples, atOnce, processes, sealedMs, instantMs, bids },
    }
  } finally {
    for (const child of children) child.disconnect()
    await Promise.all(children.map(ended))
    await market.close()
    await rm(directory, { recursive: true, force: true })
  }
}
