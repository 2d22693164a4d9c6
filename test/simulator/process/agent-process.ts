import type { Address, AttemptId, Cid } from '@muster/protocol'
import {
  agentOptions,
  createAgent,
  openMemoryBlobCache,
  openMemoryJournal,
  type Agent,
  type AgentOptions,
  type BlobCache,
  type Journal,
  type SimulatedBug,
} from '@muster/agent'
import type { Reach } from '../invariant/reach.ts'
import type { MemoryAgent, MemoryNetwork } from '../memory-network.ts'
import type { AgentPlan, CommitPoint, ProgramPlan } from '../scenario/scenario.ts'
import { createProcessWorld, type ProcessWorld } from '../world/process-world.ts'
import { createCrashableJournal } from './crashable-journal.ts'
import { chainId } from './keys.ts'
import { createRunLog } from './run-log.ts'
import type { Run } from './run.ts'
import { createSimulatedWorkload } from './simulated-workload.ts'

/** One provider's machine: its agent is crashed and started again on what its disk holds. */
export interface AgentProcess {
  readonly plan: AgentPlan
  readonly provider: Address
  readonly journal: Journal
  /** The running agent, if there is one. */
  agent(): Agent | undefined
  start(): void
  /** Gone at once; back after `backAfterMs`, if ever. */
  crash(backAfterMs: number | null): void
  drain(backAfterMs: number | null): void
  cut(): void
  hold(isHeld: boolean): void
  ownerBusy(isBusy: boolean): void
  diskFull(isFull: boolean): void
  setClock(skewMs: number): void
  /** Its journal may hold what could not be struck out. */
  hadFullDisk(): boolean
  skewMs(): number
  calm(): void
  upSince(): number
  /** It went for good. */
  isGone(): boolean
}

/** A market that an agent sells to, and how it is reached. */
export interface AgentSite {
  readonly network: MemoryNetwork
  readonly market: Address
  readonly reach: Reach
}

export interface AgentProcessModules {
  readonly run: Run
  readonly sites: readonly AgentSite[]
  readonly programOf: (attempt: AttemptId) => ProgramPlan
  readonly bugs: ReadonlySet<SimulatedBug>
  /** Other than the quick ones of a short run. */
  readonly options?: Partial<Pick<AgentOptions, 'offerTtlMs' | 'resendMs' | 'maxReservationTtlMs'>>
  readonly fetchMs?: (program: Cid) => number
}

const slotBytes = 2 ** 30

interface Life {
  readonly process: ProcessWorld
  readonly links: ReadonlyMap<Address, MemoryAgent>
  readonly agent: Agent
}

export const createAgentProcess = (plan: AgentPlan, modules: AgentProcessModules): AgentProcess => {
  const { run, sites } = modules
  const signer = run.keys.signerOf(plan.name)
  const { timeline, story } = run
  const random = run.random.fork(plan.name)
  const provider = signer.address
  const journal = openMemoryJournal()
  const cache: BlobCache = openMemoryBlobCache({ maxBytes: 2 ** 26 })
  const runtimes = plan.runtimes ?? (['noop', 'graph'] as const)
  const watchesOwner = plan.faults.some(({ type }) => type === 'owner-busy')
  const done = new Set<object>()
  let life: Life | undefined
  let lives = 0
  let commits = 0
  let upSince = 0
  let isHeld = false
  let isBusy = false
  let isFull = false
  let hadFullDisk = false
  let skewMs = plan.skewMs
  let isCalm = false
  let isGone = false

  const options = agentOptions({
    chainId,
    markets: sites.map(({ market }) => market),
    region: plan.region,
    capacity: {
      cpuMilli: plan.slots * 1000,
      memoryBytes: plan.slots * slotBytes,
      diskBytes: plan.slots * slotBytes,
      gpus: [],
    },
    slot: { cpuMilli: 1000, memoryBytes: slotBytes, diskBytes: slotBytes, gpuCount: 0 },
    prices: new Map(
      runtimes.map((kind) => [kind, { nanoUsd: BigInt(plan.priceNanoUsd), per: plan.pricePer ?? 'task' }] as const),
    ),
    offerTtlMs: 120_000,
    resendMs: 5_000,
    noticeMs: 5_000,
    drainMs: 5_000,
    settleMs: 3_000,
    owner: watchesOwner ? { busyShare: 0.5, sampleMs: 1_000, busySamples: 2, quietMs: 3_000 } : null,
    bugs: modules.bugs,
    ...modules.options,
  })

  const comeBack = (backAfterMs: number | null): void => {
    if (backAfterMs === null) isGone = true
    else timeline.after(backAfterMs, start)
  }

  const crash = (backAfterMs: number | null): void => {
    if (life === undefined) return
    story.tell(plan.name, backAfterMs === null ? 'vanishes' : `crashes, back in ${backAfterMs} ms`)
    life.process.kill()
    for (const link of life.links.values()) link.crash(random.pick([0, 0, 5, 300]))
    life = undefined
    run.runs.crashed(provider)
    for (const { reach } of sites) reach.gone(provider)
    comeBack(backAfterMs)
  }

  const onPoint = (point: CommitPoint): void => {
    const commit = commits
    if (point === 'after-commit') commits++
    for (const fault of plan.faults) {
      if (isCalm || fault.type !== 'crash-at-commit' || fault.commit !== commit || fault.point !== point) continue
      if (done.has(fault)) continue
      done.add(fault)
      crash(fault.backAfterMs)
    }
  }

  const start = (): void => {
    if (life !== undefined || isGone) return
    const process = createProcessWorld(timeline, random.fork(`life ${lives++}`), skewMs)
    const { world } = process
    const links = new Map(sites.map(({ network, market }) => [market, network.agent(provider, market, world)]))
    if (isHeld) for (const link of links.values()) link.hold(true)
    const agent = createAgent(options, {
      world,
      signer,
      verifier: run.keys.verifier,
      journal: createCrashableJournal(journal, {
        process,
        delayMs: () => (plan.journalDelayMs === 0 ? 0 : random.between(0, plan.journalDelayMs)),
        isFull: () => isFull,
        onPoint,
      }),
      blobs: cache,
      onBreach: ({ auction, message }) =>
        run.violations.report('awards-follow-the-rule', `${plan.name} found ${auction} broken: ${message}`),
      workloads: runtimes.map((kind) =>
        createSimulatedWorkload(kind, {
          provider,
          slots: plan.slots,
          slowness: plan.slowness,
          world,
          isAlive: process.isAlive,
          random,
          runs: run.runs,
          programOf: modules.programOf,
          ...(modules.fetchMs === undefined ? {} : { fetchMs: modules.fetchMs }),
        }),
      ),
      dialOf: (market) => {
        const link = links.get(market)
        if (link === undefined) throw new Error(`no way to ${market}`)
        return link.dial
      },
      log: createRunLog(plan.name, process.isAlive, () => hadFullDisk, run),
      ...(watchesOwner ? { sampleLoad: async () => (isBusy ? 1 : 0) } : {}),
    })
    life = { process, links, agent }
    upSince = timeline.now()
    story.tell(plan.name, `starts with ${plan.slots} slots`)
    agent.start().catch((error: unknown) => {
      story.tell(plan.name, `could not start: ${String(error)}`)
      if (life?.agent === agent) crash(1_000)
    })
    void agent.stopped.then((error) => {
      if (error !== null && process.isAlive())
        run.violations.report('nothing-unexpected', `${plan.name} stopped by itself: ${error.message}`)
    })
  }

  const drain = (backAfterMs: number | null): void => {
    const own = life
    if (own === undefined) return
    story.tell(plan.name, 'drains')
    void own.agent.drain().then(() => {
      if (life !== own) return
      story.tell(plan.name, 'has drained')
      for (const { reach } of sites) reach.gone(provider)
      own.process.kill()
      life = undefined
      comeBack(backAfterMs)
    })
  }

  return {
    plan,
    provider,
    journal,
    agent: () => life?.agent,
    start,
    crash,
    drain,
    cut: () => {
      story.tell(plan.name, 'loses its connection')
      for (const link of life?.links.values() ?? []) link.cut()
    },
    hold: (held) => {
      story.tell(plan.name, held ? 'falls silent' : 'is heard again')
      isHeld = held
      for (const { reach } of sites) reach.held(provider, held)
      for (const link of life?.links.values() ?? []) link.hold(held)
    },
    ownerBusy: (busy) => {
      isBusy = busy
    },
    diskFull: (full) => {
      story.tell(plan.name, full ? 'has a full disk' : 'has room on its disk again')
      isFull = full
      hadFullDisk = true
    },
    setClock: (ms) => {
      story.tell(plan.name, `sets its clock, ${ms} ms off`)
      skewMs = ms
      life?.process.setSkew(ms)
    },
    hadFullDisk: () => hadFullDisk,
    skewMs: () => skewMs,
    calm: () => {
      isCalm = true
      isBusy = false
      isFull = false
      if (isHeld) {
        isHeld = false
        for (const { reach } of sites) reach.held(provider, false)
        for (const link of life?.links.values() ?? []) link.hold(false)
      }
    },
    upSince: () => upSince,
    isGone: () => isGone,
  }
}
