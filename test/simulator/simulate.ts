import type { Address, AttemptId } from '@muster/protocol'
import type { SimulatedBug } from '@muster/agent'
import type { PlantedBug } from '../../market/planted-bug.ts'
import type { Bug } from './bugs.ts'
import { checkMoney } from './invariant/check-money.ts'
import { checkEnd } from './invariant/check-end.ts'
import { checkMemory, checkSteady } from './invariant/check-steady.ts'
import { createViolations, type Violation } from './invariant/violations.ts'
import { watchWaiting } from './invariant/watch-waiting.ts'
import { watchRuns } from './invariant/watch-runs.ts'
import { createAgentProcess, type AgentProcess } from './process/agent-process.ts'
import { startFalseAgent } from './process/false-agent.ts'
import { beginKeys } from './process/keys.ts'
import type { Run } from './process/run.ts'
import { agentSites, attemptOf, closedJobs, createSite, sitesOf, type SharedRun, type Site } from './process/site.ts'
import { makeScenario } from './scenario/make-scenario.ts'
import type { AgentFault, Scenario } from './scenario/scenario.ts'
import { createProcessWorld } from './world/process-world.ts'
import { createRandom } from './world/random.ts'
import { createStory } from './world/story.ts'
import { createTimeline } from './world/timeline.ts'

export interface Simulated {
  readonly seed: number
  readonly violation: Violation | undefined
  /** Hash of all that happened: the same for the same seed. */
  readonly trace: string
  readonly story: readonly string[]
  readonly virtualMs: number
  readonly events: number
  readonly commits: number
  readonly snapshots: number
  /** Blobs that nobody needed and that were removed. */
  readonly collected: number
  readonly runs: number
  readonly crashPoints: readonly string[]
}

export interface SimulateOptions {
  readonly bug?: Bug
  /** Keeps the whole story, not the end of it. */
  readonly keepsStory?: boolean
}

/** After the last fault, everything that comes back is back within this. */
const comeBackMs = 16_000
/** From then on each job must close within this. */
const patienceMs = 7_200_000
/** Time for reservations to expire, claims to settle and offers to be renewed. */
const settleMs = 75_000
const lookMs = 2_000

const plan = (process: AgentProcess, fault: AgentFault, run: Run, isCalm: () => boolean): void => {
  if (fault.type === 'crash-at-commit') return
  const at = (atMs: number, action: () => void) =>
    run.timeline.after(atMs, () => {
      if (!isCalm()) action()
    })
  switch (fault.type) {
    case 'crash':
      at(fault.atMs, () => process.crash(fault.backAfterMs))
      return
    case 'drain':
      at(fault.atMs, () => process.drain(fault.backAfterMs))
      return
    case 'cut':
      at(fault.atMs, process.cut)
      return
    case 'hold':
      at(fault.atMs, () => process.hold(true))
      at(fault.atMs + fault.forMs, () => process.hold(false))
      return
    case 'disk-full':
      at(fault.atMs, () => process.diskFull(true))
      at(fault.atMs + fault.forMs, () => process.diskFull(false))
      return
    case 'clock':
      at(fault.atMs, () => process.setClock(fault.skewMs))
      return
    case 'owner-busy':
      at(fault.atMs, () => process.ownerBusy(true))
      at(fault.atMs + fault.forMs, () => process.ownerBusy(false))
  }
}

const createShared = (scenario: Scenario, keepsStory: boolean, sites: readonly Site[]): SharedRun => {
  const timeline = createTimeline()
  const { now } = timeline
  const violations = createViolations(now)
  const keys = beginKeys(scenario.network.isChecked)
  const names = new Map(scenario.agents.map(({ name }) => [keys.signerOf(name).address, name]))
  return {
    timeline,
    violations,
    story: createStory(now, keepsStory),
    runs: watchRuns((id) => attemptOf(sites, id), violations),
    random: createRandom(`muster ${scenario.seed} run`),
    keys,
    isTold: true,
    nameOf: (provider) => names.get(provider) ?? provider,
  }
}

/** Runs one market node, and in some seeds others, with their agents through the scenario of a seed, and says what did not hold. */
export const simulate = async (seed: number, { bug, keepsStory = false }: SimulateOptions = {}): Promise<Simulated> => {
  const scenario = makeScenario(seed)
  const sites: Site[] = []
  const shared = createShared(scenario, keepsStory, sites)
  const { timeline, violations, story } = shared
  const { world } = createProcessWorld(timeline, shared.random.fork('outside'))
  const bugs = new Set(bug === undefined ? [] : [bug])
  const planted = bugs as ReadonlySet<PlantedBug>
  for (const plan of sitesOf(scenario))
    sites.push(await createSite(plan, scenario, shared, { world, bugs: planted, isFirst: sites.length === 0 }))
  const [first] = sites
  if (first === undefined) throw new Error('a run has a market')
  const { run, network, node } = first
  const jobs = sites.flatMap((site) => site.jobs)
  const programs = new Map(jobs.map(({ id, plan: { program } }) => [id as string, program]))
  const programOf = (attempt: AttemptId) => {
    const program = programs.get(attempt.slice(0, attempt.indexOf('.')))
    if (program === undefined) throw new Error(`no job of ${attempt}`)
    return program
  }
  const agents = new Map<Address, AgentProcess>()
  const rogues = new Set<Address>()
  let isCalm = false
  for (const agent of scenario.agents) {
    if (agent.kind === 'rogue') rogues.add(run.keys.signerOf(agent.name).address)
    if (agent.kind !== 'real') {
      startFalseAgent(agent, node.address, network, run)
      continue
    }
    const modules = { run, sites: agentSites(sites), programOf, bugs: bugs as ReadonlySet<SimulatedBug> }
    const process = createAgentProcess(agent, modules)
    agents.set(process.provider, process)
    timeline.after(agent.startsAtMs, process.start)
    for (const fault of agent.faults) plan(process, fault, run, () => isCalm)
  }
  const calm = (): void => {
    if (isCalm) return
    isCalm = true
    story.tell('the world', 'is calm from now on')
    for (const site of sites) {
      site.network.calm()
      site.node.calm()
    }
    for (const agent of agents.values()) agent.calm()
  }
  for (const [index, { market }] of sitesOf(scenario).entries()) {
    const own = sites[index]?.node
    for (const { atMs, skewMs } of market.clockSteps) timeline.after(atMs, () => own?.setClock(skewMs))
    for (const { atMs, downMs } of market.crashes) {
      timeline.after(atMs, () => {
        if (!isCalm) own?.crash(downMs)
      })
    }
    timeline.after(0, () => void own?.start())
  }
  for (const job of jobs) job.begin()
  timeline.after(scenario.calmAtMs, calm)
  const waiting = sites.map((site) => watchWaiting(site.run, site.node, agents, site.jobs))
  let looks = 0
  const look = (): void => {
    looks++
    for (const site of sites) {
      checkSteady(site.run, site.node, agents)
      if (looks % 8 === 0) checkMemory(site.run, site.node)
    }
    for (const lookAtWaiting of waiting) lookAtWaiting()
    timeline.after(lookMs, look)
  }
  timeline.after(lookMs, look)

  const onError = (error: unknown) =>
    violations.report('nothing-unexpected', error instanceof Error ? (error.stack ?? error.message) : String(error))
  const onRejection = (error: unknown) => onError(error)
  process.on('unhandledRejection', onRejection)
  try {
    const isOver = () => violations.first() !== undefined
    await timeline.run(
      () => isOver() || closedJobs(sites) === jobs.length || timeline.now() > scenario.calmAtMs,
      onError,
    )
    calm()
    const back = timeline.now() + comeBackMs
    await timeline.run(
      () =>
        isOver() ||
        (timeline.now() > back && (closedJobs(sites) === jobs.length || timeline.now() > back + patienceMs)),
      onError,
    )
    const end = timeline.now() + settleMs
    await timeline.run(() => isOver() || timeline.now() > end, onError)
    const providers = scenario.agents.map(({ name }) => run.keys.signerOf(name).address)
    for (const site of sites) {
      if (!isOver()) await checkEnd({ ...site, agents, rogues })
      if (!isOver()) await checkMoney({ ...site, providers, bugs: planted })
    }
  } finally {
    process.off('unhandledRejection', onRejection)
  }
  return {
    seed,
    violation: violations.first(),
    trace: story.hash(),
    story: story.lines(),
    virtualMs: timeline.now(),
    events: timeline.count,
    commits: node.commits(),
    snapshots: node.snapshots(),
    collected: node.collected(),
    runs: run.runs.count(),
    crashPoints: node.crashPoints,
  }
}
