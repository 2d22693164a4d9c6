import { slotsWanted, type Address, type JobId } from '@muster/protocol'
import { checkMemory, checkSteady } from '../invariant/check-steady.ts'
import type { AgentProcess } from '../process/agent-process.ts'
import type { MarketNode } from '../process/market-node.ts'
import type { Run } from '../process/run.ts'
import { epochMs } from '../world/process-world.ts'
import type { Churn } from './churn.ts'
import type { CostWatch } from './watch-cost.ts'

const hourMs = 3_600_000
/** How often a day is looked at. */
export const lookMs = 15 * 60_000
/** Every so many looks everything is looked at that takes long. */
const thorough = 4

export interface LookModules {
  readonly run: Run
  readonly node: MarketNode
  readonly agents: ReadonlyMap<Address, AgentProcess>
  readonly churn: Churn
  readonly cost: CostWatch
}

export interface Looks {
  look(): void
  count(): number
  /** Share of the machines that were up, over all looks. */
  upShare(): number
  /** Share of the slots of machines that were up that had work. */
  busyShare(): number
}

/** Looks at what must hold at any time, and how busy everybody is. */
export const createLooks = ({ run, node, agents, churn, cost }: LookModules): Looks => {
  const { now } = run.timeline
  const wanting = new Map<JobId, number>()
  let up = 0
  let busy = 0
  let count = 0

  /** A machine that has been in reach for an hour did nothing wrong. */
  const isIdle = ({ provider, agent }: AgentProcess): boolean => {
    const status = agent()?.status()
    if (status === undefined || run.reach.steadyMs(provider) < hourMs) return false
    return status.free.cpuMilli === status.total.cpuMilli
  }

  const checkNotInVain = (job: JobId, regions: readonly string[]): void => {
    for (const process of agents.values()) {
      if ((regions.length > 0 && !regions.includes(process.plan.region)) || !isIdle(process)) continue
      const message = `${job} has wanted slots for long while ${process.plan.name} stood idle`
      return run.violations.report('no-job-waits-in-vain', message)
    }
  }

  const lookAtWaiting = (): void => {
    for (const [id, job] of run.jobs.jobs) {
      const isWanting = job.closed === null && node.market() !== undefined && slotsWanted(job, epochMs + now()) > 0
      if (!isWanting) wanting.delete(id)
      else if (!wanting.has(id)) wanting.set(id, now())
      else if (now() - (wanting.get(id) ?? 0) > 2 * lookMs) checkNotInVain(id, job.spec.placement.regions)
    }
  }

  return {
    look: () => {
      count++
      up += churn.up() / agents.size
      busy += cost.running() / Math.max(1, churn.upSlots())
      lookAtWaiting()
      if (count % thorough > 0) return
      checkSteady(run, node, agents)
      checkMemory(run, node)
    },
    count: () => count,
    upShare: () => up / Math.max(1, count),
    busyShare: () => busy / Math.max(1, count),
  }
}
