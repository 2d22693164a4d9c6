import { slotsWanted, type Address, type JobId } from '@muster/protocol'
import type { AgentProcess } from '../process/agent-process.ts'
import type { MarketNode } from '../process/market-node.ts'
import type { Run } from '../process/run.ts'
import { epochMs } from '../world/process-world.ts'
import type { TenantJob } from '../process/tenant.ts'

/** Longer than any rest of an agent that did nothing wrong. */
const tooLongMs = 60_000

/**
 * Looks whether a job wants slots, and gets none, while an agent that has done nothing wrong stands idle in reach of the market.
 * One that opens lease after lease waits for no agent in vain: those it failed at stand aside while others are untried.
 */
export const watchWaiting = (
  run: Run,
  node: MarketNode,
  agents: ReadonlyMap<Address, AgentProcess>,
  jobs: readonly TenantJob[],
): (() => void) => {
  const wanting = new Map<JobId, number>()
  const leases = new Map<JobId, number>()
  const idle = new Map<Address, number>()
  const steady = [...agents.values()].filter(({ plan }) => plan.faults.length === 0 && plan.bondedSlots === plan.slots)

  const note = <Key>(since: Map<Key, number>, key: Key, isSo: boolean): void => {
    if (!isSo) since.delete(key)
    else if (!since.has(key)) since.set(key, run.timeline.now())
  }

  const isIdle = ({ provider, agent, skewMs }: AgentProcess): boolean => {
    const status = agent()?.status()
    return (
      status?.lifecycle === 'running' &&
      status.free.cpuMilli === status.total.cpuMilli &&
      Math.abs(skewMs()) < 5_000 &&
      run.reach.steadyMs(provider) > tooLongMs
    )
  }

  return () => {
    const now = run.timeline.now()
    const isLong = (since: number | undefined) => since !== undefined && now - since > tooLongMs
    for (const process of steady) note(idle, process.provider, isIdle(process))
    for (const { id, spec, plan } of jobs) {
      const job = run.jobs.jobs.get(id)
      const isWanting = job !== undefined && job.closed === null && slotsWanted(job, epochMs + now) > 0
      const opened = job?.leases.size ?? 0
      note(wanting, id, isWanting && node.market() !== undefined && opened === leases.get(id))
      leases.set(id, opened)
      if (!isLong(wanting.get(id)) || now - node.upSince() < tooLongMs) continue
      const { regions } = spec.placement
      const free = steady.find(
        (process) =>
          isLong(idle.get(process.provider)) && (regions.length === 0 || regions.includes(process.plan.region)),
      )
      if (free !== undefined)
        run.violations.report(
          'no-job-waits-in-vain',
          `${plan.name} has wanted slots for ${tooLongMs} ms while ${free.plan.name} stood idle`,
        )
    }
  }
}
