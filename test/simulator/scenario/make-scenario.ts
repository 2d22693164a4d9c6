import { createRandom, type Random } from '../world/random.ts'
import { makeAgents } from './make-agents.ts'
import { makeJobs } from './make-jobs.ts'
import type {
  AgentPlan,
  CommitPoint,
  MarketPlan,
  NetworkPlan,
  NodesPlan,
  OtherMarketPlan,
  Scenario,
} from './scenario.ts'

/** Commits at which the first crash of a run is tried, in turn over the seeds. */
const firstCrashes = 64
const points: readonly CommitPoint[] = ['before-commit', 'after-commit']

/** A market is one node in most runs, else two or three that lose their way or end. */
const makeNodes = (calmAtMs: number, random: Random): NodesPlan => {
  const count = random.pick([1, 1, 1, 2, 3])
  if (count === 1) return { count, outages: [], kills: [] }
  const node = () => random.int(0, count - 1)
  const outages: NodesPlan['outages'][number][] = []
  while (outages.length < 5 && random.chance(0.75))
    outages.push({
      node: node(),
      of: random.pick(['database', 'database', 'hop', 'bus'] as const),
      atMs: random.int(500, calmAtMs - 15_000),
      forMs: random.pick([200, 2_000, random.int(3_000, 12_000)]),
    })
  const kills: NodesPlan['kills'][number][] = []
  while (kills.length < 3 && random.chance(0.5))
    kills.push({
      node: node(),
      atMs: random.int(500, calmAtMs - 15_000),
      downMs: random.pick([0, 500, random.int(2_000, 20_000)]),
    })
  return { count, outages, kills }
}

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
    nodes: makeNodes(calmAtMs, random.fork('nodes')),
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

/** Seeds in which the agents sell to two or three markets. */
const severalEvery = 5

const makeOtherMarkets = (
  seed: number,
  calmAtMs: number,
  agents: readonly AgentPlan[],
  tenants: number,
  leastFailures: number,
  random: Random,
): OtherMarketPlan[] => {
  if (seed % severalEvery !== 2) return []
  return Array.from({ length: random.int(1, 2) }, (_, index) => {
    const own = random.fork(`${index}`)
    const name = `market-${index + 2}`
    const jobs = makeJobs(calmAtMs, agents, tenants, leastFailures, own.fork('jobs')).map((job) => ({
      ...job,
      name: `${name}-${job.name}`,
    }))
    const longestTaskMs = Math.max(...jobs.map(({ taskTimeoutMs }) => taskTimeoutMs))
    return { name, jobs, market: makeMarket(own.int(0, 1_000), calmAtMs, longestTaskMs, own.fork('market')) }
  })
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
  const leastFailures = network.corruptChance > 0 ? 3 : 1
  const jobs = makeJobs(calmAtMs, agents, tenants.length, leastFailures, random.fork('jobs'))
  const longestTaskMs = Math.max(...jobs.map(({ taskTimeoutMs }) => taskTimeoutMs))
  return {
    seed,
    calmAtMs,
    market: makeMarket(seed, calmAtMs, longestTaskMs, random.fork('market')),
    network,
    agents,
    tenants,
    jobs,
    otherMarkets: makeOtherMarkets(seed, calmAtMs, agents, tenants.length, leastFailures, random.fork('other markets')),
  }
}
