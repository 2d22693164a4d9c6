import { createMemoryStore } from '@muster/market'
import { parseAttemptId, type Address, type AttemptId, type JobId, type JobSpec } from '@muster/protocol'
import { checkAgentJournals, checkBalances, checkSlots } from '../invariant/check-end.ts'
import { checkMoney } from '../invariant/check-money.ts'
import { createReach } from '../invariant/reach.ts'
import { createViolations, type Violation } from '../invariant/violations.ts'
import { watchJobs, type JobsWatch } from '../invariant/watch-jobs.ts'
import { watchLedger } from '../invariant/watch-ledger.ts'
import { watchRuns } from '../invariant/watch-runs.ts'
import { createMemoryNetwork } from '../memory-network.ts'
import { createAgentProcess, type AgentProcess } from '../process/agent-process.ts'
import { depositAll } from '../process/deposit-all.ts'
import { beginKeys, chainId } from '../process/keys.ts'
import { createMarketNodes } from '../process/market-nodes.ts'
import type { Run } from '../process/run.ts'
import { programFor } from '../process/simulated-program.ts'
import { createTenantJob, type TenantJob } from '../process/tenant.ts'
import { createProcessWorld } from '../world/process-world.ts'
import { createRandom } from '../world/random.ts'
import { createStory } from '../world/story.ts'
import { createTimeline } from '../world/timeline.ts'
import { checkPayments } from './check-payments.ts'
import { startChurn, type RegionOutage } from './churn.ts'
import { marketOfDay, type DayPlan } from './day-plan.ts'
import { kindOf } from './kind-of-work.ts'
import { observationsOf } from './known-machines.ts'
import { createLooks, lookMs } from './look-at-day.ts'
import { lookBack } from './look-back.ts'
import { makeDayJobs, taskMs, type DayJob } from './make-day-jobs.ts'
import { makeMachines, type Machine } from './make-machines.ts'
import { createShelf } from './shelf.ts'
import { watchCost, type CostTallies } from './watch-cost.ts'

const minuteMs = 60_000
const hourMs = 3_600_000

/** Where a day has got to. */
export interface DayProgress {
  readonly hours: number
  readonly awards: Readonly<Record<JobSpec['award'], CostTallies>>
  /** Jobs under way. */
  readonly open: number
}

export interface Day {
  readonly violation: Violation | undefined
  /** The same for the same plan. */
  readonly trace: string
  readonly virtualMs: number
  readonly events: number
  readonly commits: number
  readonly runs: number
  readonly jobs: number
  /** Tasks given up after ten machines in a row disappeared with them. */
  readonly abandoned: Readonly<Record<JobSpec['award'], number>>
  /** Lengths of work: under ten minutes, under an hour, more. */
  readonly awards: Readonly<Record<JobSpec['award'], CostTallies>>
  readonly regionOutages: readonly RegionOutage[]
  readonly sessionsMs: readonly number[]
  readonly outagesMs: readonly number[]
  /** From submission to the close of each job, in ms. */
  readonly jobsMs: Readonly<Record<JobSpec['award'], readonly number[]>>
  /** Share of the machines that were up, looked at every few minutes. */
  readonly upShare: number
  /** Share of the slots of machines that were up that had work. */
  readonly busyShare: number
}

const tenants = 20
/** Machines whose statements are written and checked at the end. */
const statements = 20
const dollars = 1_000_000_000n
/** Jobs arrive until so long before the end of the day. */
const quietShare = 1 / 6
/** After its end a job is looked at and forgotten. */
const forgetMs = 2 * minuteMs
/** Then nothing reads what was written of it, were it not audited. */
const archiveMs = 30 * minuteMs
const settleMs = 10 * minuteMs
const patienceMs = 5 * 24 * hourMs

/** Runs a market and its agents through a day of work and churn, and says what did not hold and what it cost. */
export const simulateDay = async (plan: DayPlan, onProgress?: (at: DayProgress) => void): Promise<Day> => {
  const chance = createRandom(`day ${plan.seed}`)
  const endMs = plan.hours * hourMs
  const marketPlan = marketOfDay(plan)
  const machines = makeMachines(plan.agents, chance.fork('machines'))
  const dayJobs = makeDayJobs(
    {
      tasks: plan.tasks,
      tenants,
      award: plan.award,
      maxPriceNanoUsd: Math.max(...machines.map(({ plan: { priceNanoUsd } }) => priceNanoUsd)),
      untilMs: endMs * (1 - quietShare),
      dayMs: endMs,
    },
    chance.fork('jobs'),
  )

  const bugs = new Set(plan.bug === undefined ? [] : [plan.bug])
  const timeline = createTimeline()
  const { now } = timeline
  const violations = createViolations(now)
  const reach = createReach(now)
  const keys = beginKeys(false)
  const domain = { chainId, market: keys.signerOf('market').address }
  const open = new Map<JobId, { readonly of: DayJob; readonly tenantJob: TenantJob }>()
  const machineOf = new Map<Address, Machine>()
  const jobsMs: Record<JobSpec['award'], number[]> = { lowest: [], effective: [] }
  const abandoned: Record<JobSpec['award'], number> = { lowest: 0, effective: 0 }
  const programs = new Map<JobId, DayJob>()
  const folded = watchJobs(marketPlan, { now, violations, reach, verifier: keys.verifier, domain })

  const ofAttempt = (attempt: AttemptId): { readonly job: DayJob; readonly ms: number } => {
    const name = parseAttemptId(attempt)
    const job = name === undefined ? undefined : programs.get(name.job)
    if (name === undefined || job === undefined) throw new Error(`no job of ${attempt}`)
    return { job, ms: taskMs(plan.seed, job.plan.name, name.index, job.program.medianMs) }
  }
  const cost = watchCost(
    watchRuns((id) => folded.attempts.get(id), violations),
    now,
    (provider, attempt) => {
      const { job, ms } = ofAttempt(attempt)
      const machine = machineOf.get(provider)
      return {
        price: (machine?.plan.priceNanoUsd ?? 0) * job.program.operators,
        wholeMs: ms * (machine?.plan.slowness ?? 1),
        ...kindOf(job),
      }
    },
  )
  const watched: JobsWatch = {
    ...folded,
    committed: (commit) => {
      folded.committed(commit)
      if (plan.isLarge) shelf.put(commit)
      checkPayments(commit, violations)
      for (const { stream, events } of commit.appends ?? []) {
        const job = programs.get(stream)
        for (const event of events) {
          if (event.type === 'accepted' && job !== undefined)
            for (const { amount } of event.attempts) cost.accepted(amount, job.program.operators, kindOf(job))
          if (event.type === 'closed') timeline.after(forgetMs, () => forget(stream))
        }
      }
    },
  }
  const story = createStory(now, false)
  const run: Run = {
    timeline,
    story,
    isTold: false,
    market: 'market',
    violations,
    reach,
    jobs: watched,
    ledger: watchLedger(violations),
    runs: cost.runs,
    random: createRandom(`day ${plan.seed} run`),
    keys,
    nameOf: (provider) => machineOf.get(provider)?.plan.name ?? provider,
  }
  const { world } = createProcessWorld(timeline, run.random.fork('outside'))
  const network = createMemoryNetwork(world, run.random.fork('network').next, {
    latencyMs: { min: 5, max: 60 },
    noticeMs: { min: 0, max: 30_000 },
    isChecked: false,
    onBreak: reach.unlinked,
    onHandlerError: (error) => violations.report('nothing-unexpected', `a message handler threw: ${String(error)}`),
  })
  const node = createMarketNodes(marketPlan, network, run, bugs)
  const shelf = createShelf(node.disk)
  const onePerProgram = [...new Map(dayJobs.map((job) => [job.program, job])).values()]
  const scenario = {
    tenants: Array.from({ length: tenants }, (_, index) => ({
      custody: index === 0 ? ('tenant' as const) : ('market' as const),
    })),
    agents: machines.map(({ plan: agent }) => agent),
    jobs: onePerProgram.map(({ plan: job }) => job),
  }
  const accounts = await depositAll(scenario, node, run, world, 1_000_000n * dollars)
  const bytesOf = new Map(dayJobs.map(({ plan: job, program }) => [programFor(job)?.id ?? '', program.bytes]))

  const agents = new Map<Address, AgentProcess>()
  const placed = machines.map((machine) => {
    const process = createAgentProcess(machine.plan, {
      run,
      sites: [{ network, market: node.address, reach }],
      bugs: new Set(),
      programOf: (attempt) => {
        const { job, ms } = ofAttempt(attempt)
        return { ...job.plan.program, minMs: ms, maxMs: ms }
      },
      options: { offerTtlMs: 2 * hourMs, resendMs: minuteMs },
      fetchMs: (program) => (bytesOf.get(program) ?? 0) / machine.bytesPerMs,
    })
    agents.set(process.provider, process)
    machineOf.set(process.provider, machine)
    return { machine, process }
  })
  if (plan.isKnown) {
    const known = onePerProgram.flatMap(({ program, plan: job }) => {
      const published = programFor(job)
      return published === null ? [] : [{ id: published.id, medianMs: program.medianMs }]
    })
    const past = createMemoryStore({ disk: node.disk }).observations
    const drawn = chance.fork('past')
    for (const [provider, machine] of machineOf)
      await past.add(observationsOf(machine, provider, known, world, drawn.fork(machine.plan.name)))
  }
  const churn = startChurn(placed, timeline, chance.fork('churn'))

  for (const job of dayJobs) {
    timeline.after(job.plan.submitAtMs, () => {
      const tenant = accounts[job.plan.tenant]
      if (tenant === undefined) return
      const tenantJob = createTenantJob({ ...job.plan, submitAtMs: 0 }, tenant, node, run, world)
      open.set(tenantJob.id, { of: job, tenantJob })
      programs.set(tenantJob.id, job)
      tenantJob.begin()
    })
  }

  const forget = (id: JobId): void => {
    const known = open.get(id)
    if (known === undefined) return violations.report('submitted-once', `${id} closed and is nobody's`)
    const job = lookBack(known.tenantJob, { run, node })
    if (job === undefined) return
    const { award } = kindOf(known.of)
    abandoned[award] += job.counts.abandoned
    jobsMs[award].push(now() - forgetMs - known.of.plan.submitAtMs)
    if (plan.isLarge) timeline.after(archiveMs, () => shelf.clear(id))
    open.delete(id)
  }

  const looks = createLooks({ run, node, agents, churn, cost })
  const look = (): void => {
    looks.look()
    if (looks.count() % 4 === 0) onProgress?.({ hours: now() / hourMs, awards: cost.awards, open: open.size })
    timeline.after(lookMs, look)
  }
  timeline.after(lookMs, look)
  for (const { atMs, downMs } of marketPlan.crashes) timeline.after(atMs, () => node.crash(downMs))
  timeline.after(0, () => void node.start())

  const onError = (error: unknown) =>
    violations.report('nothing-unexpected', error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.on('unhandledRejection', onError)
  const isOver = () => violations.first() !== undefined
  const isDone = () => watched.closed() === dayJobs.length
  try {
    await timeline.run(() => isOver() || timeline.now() > endMs, onError)
    churn.calm()
    await timeline.run(() => isOver() || isDone() || timeline.now() > endMs + patienceMs, onError)
    await timeline.run(() => isOver() || churn.up() === machines.length, onError)
    const settled = timeline.now() + settleMs
    await timeline.run(() => isOver() || timeline.now() > settled, onError)
    if (!isOver()) {
      checkSlots({ run, node, agents })
      await checkAgentJournals({ run, agents })
      checkBalances(run, node)
      if (!plan.isLarge) await checkMoney({ run, node, providers: [...agents.keys()].slice(0, statements), bugs })
    }
    if (!isOver() && !isDone())
      violations.report('job-closes', `${dayJobs.length - watched.closed()} of ${dayJobs.length} jobs never closed`)
  } finally {
    process.off('unhandledRejection', onError)
  }
  return {
    violation: violations.first(),
    trace: story.hash(),
    virtualMs: timeline.now(),
    events: timeline.count,
    commits: node.commits(),
    runs: cost.runs.count(),
    jobs: dayJobs.length,
    abandoned,
    awards: cost.awards,
    regionOutages: churn.regionOutages,
    sessionsMs: churn.sessions,
    outagesMs: churn.outages,
    jobsMs,
    upShare: looks.upShare(),
    busyShare: looks.busyShare(),
  }
}
