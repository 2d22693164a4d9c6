import { createRandom, type Random } from '../world/random.ts'
import { makeAgents } from './make-agents.ts'
import { makeJobs } from './make-jobs.ts'
import type { CommitPoint, MarketPlan, NetworkPlan, Scenario } from './scenario.ts'

/** Commits at which the first crash of a run is tried, in turn over the seeds. */
const firstCrashes = 64
const points: readonly CommitPoint[] = ['before-commit', 'after-commit']

const makeMarket = (seed: number, calmAtMs: number, longestTaskMs: number, random: Random): MarketPlan => {
  const downMs = () => random.pick([0, 50, random.int(200, 2_000), random.int(2_000, 15_000)])
  const crashesAtCommit: MarketPlan['crashesAtCommit'][number][] = []
  if (!random.chance(0.1)) {
    let commit = Math.floor(seed / 2) % firstCrashes
    crashesAtCommit.push({ commit, point: points[seed % 2] ?? 'after-commit', afterMs: 0, downMs: downMs() })
    while (crashesAtCommit.length < 4 && random.chance(0.45)) {
      commit += random.int(1, random.pick([2, 12, 60]))
      const afterMs = random.chance(0.3) ? random.between(0.1, 40) : 0
      crashesAtCommit.push({ commit, point: random.pick(points), afterMs, downMs: downMs() })
    }
  }
  const crashes = random.chance(0.25) ? [{ atMs: random.int(500, calmAtMs - 20_000), downMs: downMs() }] : []
  const hiccups: MarketPlan['hiccups'][number][] = []
  while (random.chance(0.3)) {
    const [first, point] = [random.int(0, 60), random.pick(points)]
    const count = random.pick([1, 1, 2, 6])
    for (let commit = first; commit < first + count; commit++) hiccups.push({ commit, point })
  }
  const graceMs = random.pick([2_000, 5_000, 10_000])
  const upkeep = random.fork('upkeep')
  return {
    graceMs,
    restartGraceMs: random.pick([graceMs, 12_000, 60_000]),
    progressSlackMs: random.int(1_000, 5_000),
    leaseTermMs: random.chance(0.15) ? 2 * longestTaskMs + random.int(8_000, 20_000) : 3_600_000,
    commitDelayMs: random.pick([0, 0, 2, 12, 60]),
    readDelayMs: random.pick([0, 0, 3, 30]),
    readFailChance: upkeep.pick([0, 0, 0, 0.02, 0.2]),
    snapshotEvents: upkeep.pick([2_000, 2_000, 1, 3, 10, 40]),
    cleanEveryMs: upkeep.pick([600_000, 1_000, 5_000]),
    keepBlobsMs: upkeep.pick([0, 10_000, 30_000]),
    linksEarly: random.chance(0.5),
    clockSteps: random.chance(0.15) ? [{ atMs: random.int(500, calmAtMs), skewMs: random.int(-3_000, 3_000) }] : [],
    crashesAtCommit,
    crashes,
    hiccups,
    hiccupChance: random.pick([0, 0, 0, 0, 0, 0.03, 0.15]),
  }
}

const makeNetwork = (seed: number, random: Random): NetworkPlan => {
  const slow = random.pick([0, 5, 40, 250])
  return {
    latencyMs: { min: slow === 0 ? 0 : 0.1, max: slow },
    noticeMs: { min: 0, max: random.pick([0, 20, 1_500]) },
    breakChance: random.pick([0, 0, 0, 0.002, 0.01]),
    corruptChance: random.pick([0, 0, 0, 0.02]),
    pingIntervalMs: 1_000,
    silentIntervals: 3,
    isChecked: seed % 8 === 3,
  }
}

/** What happens under this seed. Each part draws from a stream of its own. */
export const makeScenario = (seed: number): Scenario => {
  const random = createRandom(`muster ${seed}`)
  const calmAtMs = random.int(45_000, 75_000)
  const network = makeNetwork(seed, random.fork('network'))
  const agents = makeAgents(calmAtMs, random.fork('agents'))
  const tenants = Array.from({ length: 3 }, (_, index) => ({
    custody: index === 0 ? ('tenant' as const) : ('market' as const),
  }))
  const jobs = makeJobs(calmAtMs, agents, tenants.length, network.corruptChance > 0 ? 3 : 1, random.fork('jobs'))
  const longestTaskMs = Math.max(...jobs.map(({ taskTimeoutMs }) => taskTimeoutMs))
  return {
    seed,
    calmAtMs,
    market: makeMarket(seed, calmAtMs, longestTaskMs, random.fork('market')),
    network,
    agents,
    tenants,
    jobs,
  }
}
