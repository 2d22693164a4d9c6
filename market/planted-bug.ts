/** Defects that the simulator switches on to prove that it would find them. Never on in a market that runs. */
export type PlantedBug =
  | 'fenced-claim-accepted'
  | 'probe-skipped'
  | 'effect-lost-after-commit'
  | 'double-dispatch-on-restart'
  | 'receipt-refunded-twice'
  | 'unfair-award'
  | 'statement-off-by-one'
  | 'stream-split-ownership'

export const noBugs: ReadonlySet<PlantedBug> = new Set()
