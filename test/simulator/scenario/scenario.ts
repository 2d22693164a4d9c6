import type { AuctionTerms, JobSpec, PriceUnit, RuntimeKind } from '@muster/protocol'

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
  /** What the price is for: a task, unless it is said. */
  readonly pricePer?: PriceUnit
  /** What it runs: everything, unless it is said. */
  readonly runtimes?: readonly RuntimeKind[]
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
  /** What the price is for: a task, unless it is said. */
  readonly pricePer?: PriceUnit
  /** `lowest`, unless it is said. */
  readonly award?: JobSpec['award']
  readonly taskTimeoutMs: number
  readonly maxFailures: number
  /** Size of the input each task has, 0 for none. */
  readonly inputBytes: number
  readonly program: ProgramPlan
  /** Of its program: one, unless it is said. */
  readonly operators?: number
  readonly cancelAtMs: number | null
  /** Null: from standing offers, at once. */
  readonly auction: AuctionTerms | null
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
  /** Several nodes of it, in some runs; left out, one. */
  readonly nodes?: NodesPlan
}

/** Where a market is more than one node. */
export interface NodesPlan {
  readonly count: number
  /** One of them loses its way to the database, to the other nodes, or to the bus between them. */
  readonly outages: readonly {
    readonly node: number
    readonly of: 'database' | 'hop' | 'bus'
    readonly atMs: number
    readonly forMs: number
  }[]
  /** One of them is gone at once. */
  readonly kills: readonly { readonly node: number; readonly atMs: number; readonly downMs: number }[]
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

/** Another market that the agents sell to as well, with jobs of its own. */
export interface OtherMarketPlan {
  readonly name: string
  readonly market: MarketPlan
  readonly jobs: readonly JobPlan[]
}

/** Everything that is to happen in one run. After `calmAtMs` nothing fails any more and what is to come back is back. */
export interface Scenario {
  readonly seed: number
  readonly calmAtMs: number
  readonly market: MarketPlan
  readonly network: NetworkPlan
  readonly agents: readonly AgentPlan[]
  readonly tenants: readonly { readonly custody: 'tenant' | 'market' }[]
  /** None in most runs, else one or two. */
  readonly otherMarkets: readonly OtherMarketPlan[]
  readonly jobs: readonly JobPlan[]
}
