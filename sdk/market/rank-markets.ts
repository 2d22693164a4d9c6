import type { MarketAnswer } from './ask-market.ts'

export interface AskedMarket extends MarketAnswer {
  /** Base URL of the market. */
  readonly market: string
}

/** Where a refusal stands: a market that is only busy will have slots again, one that lacks what is wanted may get it, one out of reach comes last. */
const standing = ({ problem }: MarketAnswer): number => {
  if (problem === null) return 0
  return problem.code === 'nothing_fits' ? 1 : 2
}

/**
 * The markets in the order in which a job is to be submitted to them: those that have slots for it, by what a unit costs under the
 * order's rule, then by how many of the slots; then the others, in the order they were given.
 */
export const rankMarkets = (asked: readonly AskedMarket[]): AskedMarket[] =>
  asked.toSorted((a, b) => standing(a) - standing(b) || (a.cost ?? 0) - (b.cost ?? 0) || b.slots - a.slots)
