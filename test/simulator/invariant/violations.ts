/** What must hold in every run. Each has one sentence in `docs/guides/simulator.md`. */
export const invariants = [
  'job-closes',
  'no-job-waits-in-vain',
  'submitted-once',
  'task-accounted-for',
  'accepted-once',
  'receipt-matches-work',
  'runs-where-leased',
  'slot-sold-once',
  'ledger-balances',
  'books-add-up',
  'slots-come-back',
  'lost-only-when-unreachable',
  'dispatch-reaches-agent',
  'work-paid-or-refused',
  'journal-is-memory',
  'awards-follow-the-rule',
  'one-writer',
  'nothing-unexpected',
] as const

export type Invariant = (typeof invariants)[number]

export interface Violation {
  readonly invariant: Invariant
  readonly message: string
  readonly atMs: number
}

export interface Violations {
  report(invariant: Invariant, message: string): void
  first(): Violation | undefined
}

/** Keeps the first violation: what follows it may be its consequence. */
export const createViolations = (now: () => number): Violations => {
  let first: Violation | undefined
  return {
    report: (invariant, message) => {
      first ??= { invariant, message, atMs: now() }
    },
    first: () => first,
  }
}
