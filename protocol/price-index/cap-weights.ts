import { indexRules } from './index-rules.ts'

/** Between one tenant and one provider. */
export interface Pair {
  readonly provider: string
  readonly tenant: string
}

interface Group {
  readonly members: readonly number[]
  readonly share: number
}

const groupsOf = (pairs: readonly Pair[]): readonly Group[] => {
  const { pairShare, participantShare } = indexRules
  const indexes = pairs.map((_, index) => index)
  const by = (of: (pair: Pair) => string): Group[] =>
    [...Map.groupBy(indexes, (index) => of(pairs[index] as Pair)).values()].map((members) => ({
      members,
      share: participantShare,
    }))
  return [
    ...indexes.map((index) => ({ members: [index], share: pairShare })),
    ...by(({ provider }) => provider),
    ...by(({ tenant }) => tenant),
  ]
}

const rounds = 1_000
const closeEnough = 1e-9

/**
 * Weights in proportion to the volumes, but for those that are scaled down until no pair has more than `pairShare` of their sum and
 * no provider and no tenant more than `participantShare`. They add up to 1. `undefined` where no weights do: too few share too much.
 */
export const capWeights = (pairs: readonly Pair[], volumes: readonly number[]): readonly number[] | undefined => {
  const weights = [...volumes]
  const groups = groupsOf(pairs)
  const sumOf = (members: readonly number[]): number => members.reduce((sum, at) => sum + (weights[at] ?? 0), 0)
  const all = pairs.map((_, index) => index)
  const first = sumOf(all)
  for (let round = 0; round < rounds; round++) {
    let isOver = false
    for (const { members, share } of groups) {
      const total = sumOf(all)
      const own = sumOf(members)
      if (own <= share * total * (1 + closeEnough)) continue
      isOver = true
      const scale = (share * total) / own
      for (const at of members) weights[at] = (weights[at] ?? 0) * scale
    }
    const total = sumOf(all)
    if (!(total > first * 1e-12)) return undefined
    if (!isOver) return weights.map((weight) => weight / total)
  }
  return undefined
}
