import type { SimulatedBug } from '@muster/agent'
import type { PlantedBug } from '../../market/planted-bug.ts'
import type { Invariant } from './invariant/violations.ts'

export type Bug = PlantedBug | SimulatedBug

/** The defects that can be planted, each with the invariant that finds it. */
export const bugs: Readonly<Record<Bug, Invariant>> = {
  'fenced-claim-accepted': 'receipt-matches-work',
  'probe-skipped': 'lost-only-when-unreachable',
  'effect-lost-after-commit': 'dispatch-reaches-agent',
  'double-dispatch-on-restart': 'runs-where-leased',
  'reservation-leaked-on-crash': 'slots-come-back',
  'reservation-leaked-across-markets': 'slot-sold-once',
  'receipt-refunded-twice': 'books-add-up',
  'statement-off-by-one': 'books-add-up',
  'stream-split-ownership': 'one-writer',
  'unfair-award': 'awards-follow-the-rule',
}

export const isBug = (name: string): name is Bug => Object.hasOwn(bugs, name)
export const knownBugs: readonly Bug[] = Object.keys(bugs).filter(isBug)
