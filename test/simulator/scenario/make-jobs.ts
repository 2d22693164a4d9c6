import type { AuctionTerms } from '@muster/protocol'
import type { Random } from '../world/random.ts'
import { regions } from './make-agents.ts'
import type { AgentPlan, JobPlan, ProgramPlan } from './scenario.ts'

const spans: readonly (readonly [minMs: number, maxMs: number])[] = [
  [0, 0],
  [1, 30],
  [20, 400],
  [500, 3_000],
  [3_000, 12_000],
  [15_000, 30_000],
]

const kindOf = (random: Random): ProgramPlan['kind'] => {
  const kind = random.next()
  if (kind < 0.8) return 'sound'
  if (kind < 0.9) return 'flaky'
  return kind < 0.96 ? 'failing' : 'hanging'
}

const makeProgram = (tasks: number, random: Random): ProgramPlan => {
  const [minMs, maxMs] = random.pick(tasks > 20 ? spans.slice(0, 4) : spans)
  const outputBytes = random.pick([0, 0, 20, 20, 50_000])
  return { kind: kindOf(random), minMs, maxMs, outputBytes: tasks > 20 ? Math.min(outputBytes, 20) : outputBytes }
}

const makeAuction = (random: Random): AuctionTerms | null =>
  random.chance(0.25)
    ? { windowMs: random.pick([1_000, 1_500, 3_000]), pricing: random.pick(['pay-as-bid', 'second-price'] as const) }
    : null

const sizes = [1, 1, 1, 2, 3, 5, 8] as const

/** A few jobs of different shapes, at most one of them large. */
export const makeJobs = (
  calmAtMs: number,
  agents: readonly AgentPlan[],
  tenants: number,
  /** More than one where the network itself spoils work. */
  leastFailures: number,
  random: Random,
): JobPlan[] => {
  const count = random.int(2, 7)
  const large = random.chance(0.2) ? random.int(0, count - 1) : -1
  const dearest = Math.max(...agents.map(({ priceNanoUsd }) => priceNanoUsd))
  return Array.from({ length: count }, (_, index): JobPlan => {
    const tasks = index === large ? random.int(30, 200) : random.pick(sizes)
    const program = makeProgram(tasks, random)
    const submitAtMs = random.pick([random.int(50, 3_000), random.int(50, calmAtMs - 25_000)])
    const slowest = program.maxMs * 3
    return {
      name: `job-${index}`,
      tenant: random.int(0, tenants - 1),
      submitAtMs,
      patienceMs: random.pick([300, 2_000, 6_000]),
      tasks,
      slots: random.pick([1, 2, Math.min(tasks, 8), Math.min(tasks, 24), Math.min(tasks, 60)]),
      regions: random.chance(0.35) ? [random.pick(regions)] : [],
      maxPriceNanoUsd: dearest,
      taskTimeoutMs: Math.max(500, slowest + random.int(0, 3_000)),
      maxFailures: random.int(leastFailures, 4),
      inputBytes: random.pick([0, 0, 0, 30, tasks > 20 ? 30 : 40_000]),
      program,
      cancelAtMs: random.chance(0.15) ? submitAtMs + random.int(0, 12_000) : null,
      auction: makeAuction(random.fork(`auction ${index}`)),
    }
  })
}
