import type {
  Address,
  CapacityTotal,
  Gpu,
  Maintenance,
  Network,
  Price,
  Resources,
  RuntimeKind,
  SignedAttestation,
} from '@muster/protocol'
import { flatPolicy, type PricePolicy } from './price/price-policy.ts'
import type { SimulatedBug } from './simulated-bug.ts'

/** The compiled options: all the composition root and everything below it sees. */
export interface AgentOptions {
  readonly chainId: number
  /** Markets this agent sells to; its one book decides who gets a slot. */
  readonly markets: readonly Address[]
  readonly region: string
  readonly country: string
  readonly attributes: Readonly<Record<string, string>>
  /** Who runs the machine; `null` where nobody is named. */
  readonly operator: string | null
  /** Of the machine; `null` where the owner does not say. */
  readonly network: Network | null
  /** What a slot computes, in whole GFLOP/s; `null` where the owner does not say. */
  readonly gflops: number | null
  /** What auditors signed, for any market and provider: offers carry those that are theirs. */
  readonly attestations: readonly SignedAttestation[]
  readonly capacity: CapacityTotal
  readonly gpus: readonly Gpu[]
  /** Size of one slot: what an offer's price buys. */
  readonly slot: Resources
  readonly maxSlots: number
  /** What is asked until `Agent.reprice` says otherwise. */
  readonly prices: PricePolicy
  /** When the machine is not to be had, beside what `Agent.maintain` says. */
  readonly maintenance: readonly Maintenance[]
  readonly offerTtlMs: number
  /** Changes of capacity within this time are published together. */
  readonly offerDebounceMs: number
  readonly maxReservationTtlMs: number
  readonly maxReservations: number
  /** Share of the slots (0 to 1) that a market may hold reserved while others are linked and it has not proven itself; `null`: an equal one. */
  readonly reservedShare: number | null
  readonly maxQueuedPerLease: number
  readonly maxUnsettled: number
  readonly maxBlobBytes: number
  /** A blob asked for and not begun to arrive within this time fails the attempts that need it. */
  readonly blobTimeoutMs: number
  /** Attempts that end within this time share one signature. */
  readonly claimBatchMs: number
  readonly resendMs: number
  /** From notice to the end of attempts that still run. */
  readonly noticeMs: number
  readonly drainMs: number
  /** How long a drain waits for its last claims to be settled. */
  readonly settleMs: number
  /** `null`: the agent does not look at the owner's load. */
  readonly owner: OwnerOptions | null
  readonly bugs: ReadonlySet<SimulatedBug>
}

export interface OwnerOptions {
  /** Share of the machine (0 to 1) that others may use before the agent yields. */
  readonly busyShare: number
  readonly sampleMs: number
  /** Samples above the threshold in a row before it yields. */
  readonly busySamples: number
  /** Time below the threshold before it takes work again. */
  readonly quietMs: number
}

/** What is the same for everybody unless written otherwise. */
export const defaultAgentOptions = {
  chainId: 1,
  region: 'local',
  country: 'ZZ',
  attributes: {},
  operator: null,
  network: null,
  gflops: null,
  attestations: [],
  gpus: [],
  slot: { cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 0 },
  maxSlots: 10_000,
  maintenance: [],
  offerTtlMs: 60_000,
  offerDebounceMs: 25,
  maxReservationTtlMs: 60_000,
  maxReservations: 1024,
  reservedShare: null,
  maxQueuedPerLease: 10_000,
  maxUnsettled: 50_000,
  maxBlobBytes: 2 ** 30,
  blobTimeoutMs: 60_000,
  claimBatchMs: 1,
  resendMs: 10_000,
  noticeMs: 30_000,
  drainMs: 60_000,
  settleMs: 10_000,
  owner: null,
  bugs: new Set<SimulatedBug>(),
} as const satisfies Partial<AgentOptions>

/** Options of which some may be left out; prices are a policy, or one price for each runtime. */
export type GivenAgentOptions = Partial<Omit<AgentOptions, 'prices'>> & {
  readonly prices?: PricePolicy | ReadonlyMap<RuntimeKind, Price>
}

/** The options of an agent from those that have no default and any others. */
export const agentOptions = ({
  prices,
  ...given
}: GivenAgentOptions & Required<Pick<GivenAgentOptions, 'markets' | 'capacity' | 'prices'>>): AgentOptions => ({
  ...defaultAgentOptions,
  ...given,
  prices: 'runtimes' in prices ? prices : flatPolicy(prices),
})
