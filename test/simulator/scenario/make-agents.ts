import type { Random } from '../world/random.ts'
import type { AgentFault, AgentPlan, CommitPoint } from './scenario.ts'

export const agentCount = 50
export const regions = ['north', 'south', 'west'] as const

/** The first agents stand through everything, so that each job can be done in the end. */
export const steadyAgents = 8

const points: readonly CommitPoint[] = ['before-commit', 'after-commit']

const makeFaults = (calmAtMs: number, random: Random): AgentFault[] => {
  const atMs = () => random.int(300, calmAtMs - 16_000)
  const backAfterMs = () => random.pick([0, 100, random.int(500, 4_000), random.int(4_000, 15_000), null])
  const faults: AgentFault[] = []
  const add = (probability: number, make: () => AgentFault) => {
    while (random.chance(probability)) faults.push(make())
  }
  add(0.25, () => ({ type: 'crash', atMs: atMs(), backAfterMs: backAfterMs() }))
  add(0.3, () => ({
    type: 'crash-at-commit',
    commit: random.int(0, random.pick([3, 12])),
    point: random.pick(points),
    backAfterMs: backAfterMs(),
  }))
  add(0.25, () => ({ type: 'cut', atMs: atMs() }))
  add(0.2, () => ({
    type: 'hold',
    atMs: atMs(),
    forMs: random.pick([random.int(50, 3_000), random.int(3_000, 15_000)]),
  }))
  add(0.05, () => ({ type: 'drain', atMs: atMs(), backAfterMs: backAfterMs() }))
  add(0.03, () => ({ type: 'clock', atMs: atMs(), skewMs: random.int(-8_000, 8_000) }))
  add(0.03, () => ({ type: 'disk-full', atMs: atMs(), forMs: random.int(10, 5_000) }))
  add(0.05, () => ({ type: 'owner-busy', atMs: atMs(), forMs: random.int(1_000, 15_000) }))
  return faults
}

const skewOf = (random: Random): number => {
  const kind = random.next()
  if (kind < 0.5) return 0
  if (kind < 0.85) return random.int(-2_000, 2_000)
  return kind < 0.97 ? random.int(-55_000, 55_000) : random.pick([-130_000, 130_000])
}

/** Fifty machines. The cheapest are in the most trouble, since those are the ones that win. */
export const makeAgents = (calmAtMs: number, random: Random): AgentPlan[] => {
  /** Jobs get fewer slots than they want, and wait for each other. */
  const isScarce = random.chance(0.3)
  const idle = random.chance(0.2) ? random.int(steadyAgents, agentCount - 1) : -1
  const rogue = random.chance(0.2) ? random.int(steadyAgents, agentCount - 1) : -1
  return Array.from({ length: agentCount }, (_, index): AgentPlan => {
    const isSteady = index < steadyAgents
    const kind = index === idle ? 'idle' : index === rogue ? 'rogue' : 'real'
    const isTroubled = !isSteady && random.chance(0.5)
    const slots = random.pick(isScarce ? [1, 1, 1, 2] : [1, 1, 2, 2, 4, 8])
    return {
      name: `agent-${String(index).padStart(2, '0')}`,
      kind,
      startsAtMs: isSteady || random.chance(0.8) ? random.int(0, 100) : random.int(0, 30_000),
      slots,
      priceNanoUsd: isTroubled || kind !== 'real' ? random.int(500, 1_200) : random.int(1_000, 2_000),
      region: isSteady ? (regions[index % regions.length] ?? 'north') : random.pick(regions),
      skewMs: isSteady || kind !== 'real' ? random.int(-1_000, 1_000) : skewOf(random),
      slowness: random.pick([1, 1, 1, 1.5, 3]),
      journalDelayMs: random.pick([0, 0, 1, 8]),
      bondedSlots: isSteady || random.chance(0.9) ? slots : random.int(0, slots),
      faults: isTroubled && kind === 'real' ? makeFaults(calmAtMs, random) : [],
    }
  })
}
