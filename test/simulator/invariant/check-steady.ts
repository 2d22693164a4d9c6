import { attemptId, encodeCanonical, snapshotJob, type Address, type Job } from '@muster/protocol'
import type { AgentProcess } from '../process/agent-process.ts'
import type { MarketNode } from '../process/market-node.ts'
import type { Run } from '../process/run.ts'

/** Within this long of good contact an agent must know of what was dispatched to it. */
const deliveryMs = 10_000

const checkDispatched = (run: Run, node: MarketNode, agents: ReadonlyMap<Address, AgentProcess>): void => {
  const now = run.timeline.now()
  const isSettled = (at: number) => now - at > deliveryMs
  if (node.market() === undefined || !isSettled(node.upSince())) return
  // A job whose node is gone waits for the database to say who writes it next.
  const written = new Set(node.markets().flatMap(({ modules }) => [...modules.jobs.all()].map(({ id }) => id)))
  for (const job of run.jobs.jobs.values()) {
    if (job.closed !== null || !written.has(job.id)) continue
    for (const [lease, indexes] of job.inFlight) {
      const provider = job.leases.get(lease)?.provider
      const process = provider === undefined ? undefined : agents.get(provider)
      const agent = process?.agent()
      if (provider === undefined || process === undefined || agent === undefined) continue
      if (run.reach.steadyMs(provider) < deliveryMs || !isSettled(process.upSince())) continue
      const held = new Set(agent.status().attempts.map(({ id }) => id))
      for (const index of indexes) {
        const id = attemptId(job.id, index, job.tasks[index]?.fence ?? 0)
        const dispatchedAt = run.jobs.attempts.get(id)?.dispatchedAt ?? now
        if (held.has(id) || !isSettled(dispatchedAt)) continue
        run.violations.report(
          'dispatch-reaches-agent',
          `${process.plan.name} has been in reach for ${deliveryMs} ms and does not know of ${id}`,
        )
      }
    }
  }
}

const checkBooks = (run: Run, agents: ReadonlyMap<Address, AgentProcess>): void => {
  for (const { plan, agent } of agents.values()) {
    const status = agent()?.status()
    const free = status?.free
    const sold = status?.markets.reduce((sum, { reserved, leased }) => sum + reserved + leased, 0) ?? 0
    if (sold > plan.slots)
      run.violations.report(
        'slot-sold-once',
        `${plan.name} has ${plan.slots} slots, and its markets hold ${sold} of them`,
      )
    if (free !== undefined && (free.cpuMilli < 0 || free.memoryBytes < 0))
      run.violations.report(
        'slot-sold-once',
        `${plan.name} has sold more than it has: ${free.cpuMilli} milli-cores left`,
      )
  }
}

const isSame = (a: Job, b: Job): boolean =>
  Buffer.compare(encodeCanonical(snapshotJob(a)), encodeCanonical(snapshotJob(b))) === 0

/** What the market has in memory is what its journal says, for each job that nothing is being written to. */
export const checkMemory = (run: Run, node: MarketNode): void => {
  for (const actor of node.markets().flatMap(({ modules }) => [...modules.jobs.all()])) {
    const memory = actor.peek()
    const journal = run.jobs.jobs.get(actor.id)
    if (memory === undefined || actor.version() !== run.jobs.versions.get(actor.id)) continue
    if (journal === undefined || !isSame(memory, journal))
      run.violations.report('journal-is-memory', `${actor.id} is in memory what it is not in the journal`)
  }
}

/** Looks at what must hold at any time. */
export const checkSteady = (run: Run, node: MarketNode, agents: ReadonlyMap<Address, AgentProcess>): void => {
  checkDispatched(run, node, agents)
  checkBooks(run, agents)
}
