import type { CompiledDemand } from './compile-demand.ts'
import type { Postings } from './posting.ts'

/** What a walk along the shelves would be. */
export interface WalkSize {
  /** Rows that are wanted. */
  readonly limit: number
  /** Rows of the shelves it may go along. */
  readonly size: number
  /** Rows that are on any shelf. */
  readonly all: number
}

/** The group of tokens that the fewest offers have one of, and how many do. */
const rarest = ({ tokens }: CompiledDemand, postings: Postings) => {
  let group: readonly string[] = []
  let least = Infinity
  for (const each of tokens) {
    let count = 0
    for (const token of each) count += postings.count(token)
    if (count < least) [group, least] = [each, count]
  }
  return { group, count: least }
}

/** A list that has every offer the demand could take, where one is shorter than the walk would be. */
export const shortList = (
  demand: CompiledDemand,
  postings: Postings,
  { limit, size, all }: WalkSize,
): Iterable<number> | undefined => {
  const { group, count } = rarest(demand, postings)
  // A walk meets one that has the token every `all / count` rows, if the token says nothing of the price.
  const steps = count === 0 ? size : Math.min(size, (limit * all) / count)
  if (count * 2 >= steps) return undefined
  const lists: (readonly number[])[] = []
  for (const token of group) {
    const found = postings.rows(token)
    if (found === undefined) return undefined
    lists.push(found)
  }
  return lists.length === 1 ? lists[0] : new Set(lists.flat())
}
