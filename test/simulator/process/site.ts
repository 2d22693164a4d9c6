import type { Address, AttemptId, World } from '@muster/protocol'
import type { PlantedBug } from '../../../market/planted-bug.ts'
import { createReach } from '../invariant/reach.ts'
import { watchJobs, type WatchedAttempt } from '../invariant/watch-jobs.ts'
import { watchLedger } from '../invariant/watch-ledger.ts'
import { createMemoryNetwork, type MemoryNetwork } from '../memory-network.ts'
import type { JobPlan, MarketPlan, Scenario } from '../scenario/scenario.ts'
import { depositAll } from './deposit-all.ts'
import { chainId } from './keys.ts'
import type { MarketNode } from './market-node.ts'
import { createMarketNodes } from './market-nodes.ts'
import type { Run } from './run.ts'
import { createTenantJob, type TenantJob } from './tenant.ts'

/** One market of a run: its node, the network to it, and the jobs of its tenants. What is watched of it is its own. */
export interface Site {
  readonly run: Run
  readonly network: MemoryNetwork
  readonly node: MarketNode
  readonly jobs: readonly TenantJob[]
}

export interface SitePlan {
  readonly name: string
  readonly market: MarketPlan
  readonly jobs: readonly JobPlan[]
}

/** What all sites of a run share. */
export type SharedRun = Omit<Run, 'market' | 'jobs' | 'ledger' | 'reach'>

/** The first is the one that every run has. */
export const sitesOf = ({ market, jobs, otherMarkets }: Scenario): SitePlan[] => [
  { name: 'market', market, jobs },
  ...otherMarkets,
]

const openRun = (plan: SitePlan, shared: SharedRun, isFirst: boolean): Run => {
  const { violations, keys, timeline } = shared
  const { now } = timeline
  const reach = createReach(now)
  const domain = { chainId, market: keys.signerOf(plan.name).address }
  return {
    ...shared,
    random: isFirst ? shared.random : shared.random.fork(plan.name),
    market: plan.name,
    reach,
    jobs: watchJobs(plan.market, { now, violations, reach, verifier: keys.verifier, domain }),
    ledger: watchLedger(violations),
  }
}

export const createSite = async (
  plan: SitePlan,
  scenario: Scenario,
  shared: SharedRun,
  {
    world,
    bugs,
    isFirst,
  }: { readonly world: World; readonly bugs: ReadonlySet<PlantedBug>; readonly isFirst: boolean },
): Promise<Site> => {
  const run = openRun(plan, shared, isFirst)
  const { network: link } = scenario
  const network = createMemoryNetwork(world, run.random.fork('network').next, {
    ...link,
    limits: { pingIntervalMs: link.pingIntervalMs, silentIntervals: link.silentIntervals },
    onBreak: run.reach.unlinked,
    onHandlerError: (error) => run.violations.report('nothing-unexpected', `a message handler threw: ${String(error)}`),
  })
  const node = createMarketNodes(plan.market, network, run, bugs)
  const tenants = await depositAll({ ...scenario, jobs: plan.jobs }, node, run, world)
  const jobs = plan.jobs.flatMap((job) => {
    const tenant = tenants[job.tenant]
    return tenant === undefined ? [] : [createTenantJob(job, tenant, node, run, world)]
  })
  return { run, network, node, jobs }
}

/** An attempt as the market that dispatched it knows it. */
export const attemptOf = (sites: readonly Site[], id: AttemptId): WatchedAttempt | undefined => {
  for (const { run } of sites) {
    const attempt = run.jobs.attempts.get(id)
    if (attempt !== undefined) return attempt
  }
  return undefined
}

export const closedJobs = (sites: readonly Site[]): number => sites.reduce((sum, { run }) => sum + run.jobs.closed(), 0)

export const agentSites = (sites: readonly Site[]) =>
  sites.map(({ network, node, run }) => ({ network, market: node.address as Address, reach: run.reach }))
