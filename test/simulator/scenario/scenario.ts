/** Where a commit is cut off. */
export type CommitPoint = 'before-commit' | 'after-commit'

export interface CommitFault {
  /** Counted from 0 over all runs of the process. */
  readonly commit: number
  readonly point: CommitPoint
}

export type AgentFault =
  /** `backAfterMs` null: it never comes back. */
  | { readonly type: 'crash'; readonly atMs: number; readonly backAfterMs: number | null }
  | ({ readonly type: 'crash-at-commit'; readonly backAfterMs: number | null } & CommitFault)
  | { readonly type: 'drain'; readonly atMs: number; readonly backAfterMs: number | null }
  | { readonly type: 'cut'; readonly atMs: number }
  | { readonly type: 'hold'; readonly atMs: number; readonly forMs: number }
  /** Nothing can be written to its disk. */
  | { readonly type: 'disk-full'; readonly atMs: number; readonly forMs: number }
  /** Its wall clock is set, right or wrong. */
  | { readonly type: 'clock'; readonly atMs: number; readonly skewMs: number }
  /** The owner's own load takes the machine, and the agent yields. */
  | { readonly type: 'owner-busy'; readonly atMs: number; readonly forMs: number }

export interface AgentPlan {
  readonly name: string
  /** `idle`: reserves, takes leases, and does nothing. `rogue`: claims work, its own and that of others, which it never did. */
  readonly kind: 'real' | 'idle' | 'rogue'
  readonly startsAtMs: number
  readonly slots: number
  readonly priceNanoUsd: number
  readonly region: string
  readonly skewMs: number
  /** How much longer than planned its work takes. */
  readonly slowness: number
  readonly journalDelayMs: number
  /** Slots its stake has bonds for. */
  readonly bondedSlots: number
  readonly faults: readonly AgentFault[]
}

/** What happens when a task runs; drawn anew for each attempt where it is chance. */
export interface ProgramPlan {
  readonly kind: 'sound' | 'flaky' | 'failing' | 'hanging'
  readonly minMs: number
  readonly maxMs: number
  readonly outputBytes: number
}

export interface JobPlan {
  readonly name: string
  readonly tenant: number
  readonly submitAtMs: number
  /** The tenant sends the same call again after this long without an answer. */
  readonly patienceMs: number
  readonly tasks: number
  readonly slots: number
  readonly regions: readonly string[]
  readonly maxPriceNanoUsd: number
  readonly taskTimeoutMs: number
  readonly maxFailures: number
  /** Size of the input each task has, 0 for none. */
  readonly inputBytes: number
  readonly program: ProgramPlan
  readonly cancelAtMs: number | null
}

export interface MarketPlan {
  readonly graceMs: number
  readonly restartGraceMs: number
  readonly progressSlackMs: number
  readonly leaseTermMs: number
  readonly commitDelayMs: number
  readonly readDelayMs: number
  /** How often a read of the database fails. */
  readonly readFailChance: number
  readonly snapshotEvents: number
  /** How often it cleans up, and how long it keeps blobs that no job refers to. */
  readonly cleanEveryMs: number
  readonly keepBlobsMs: number
  /** Agents may link while it still reads its jobs. */
  readonly linksEarly: boolean
  readonly clockSteps: readonly { readonly atMs: number; readonly skewMs: number }[]
  /** `afterMs` past 0: not at the commit but this long after it, when some of what followed has been done. */
  readonly crashesAtCommit: readonly (CommitFault & { readonly afterMs: number; readonly downMs: number })[]
  readonly crashes: readonly { readonly atMs: number; readonly downMs: number }[]
  /** The database fails: nothing was written, or it cannot be said whether it was. */
  readonly hiccups: readonly CommitFault[]
  /** Of every commit to fail so, at either point. */
  readonly hiccupChance: number
}

export interface NetworkPlan {
  readonly latencyMs: { readonly min: number; readonly max: number }
  readonly noticeMs: { readonly min: number; readonly max: number }
  readonly breakChance: number
  readonly corruptChance: number
  readonly pingIntervalMs: number
  readonly silentIntervals: number
  readonly isChecked: boolean
}

/** Everything that is to happen in one run. After `calmAtMs` nothing fails any more and what is to come back is back. */
export interface Scenario {
  readonly seed: number
  readonly calmAtMs: number
  readonly market: MarketPlan
  readonly network: NetworkPlan
  readonly agents: readonly AgentPlan[]
  readonly tenants: readonly { readonly custody: 'tenant' | 'market' }[]
  readonly jobs: readonly JobPlan[]
}
