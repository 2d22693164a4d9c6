import { type Address, type Log, type Signer, type SignatureDomain, type Verifier, type World } from '@muster/protocol'
import type { RuntimeKind } from '@muster/protocol'
import type { AuctionProof, Bids } from './auction/bids.ts'
import type { BenchmarkDesk } from './benchmark/benchmark-desk.ts'
import type { Wants } from './blob/wants.ts'
import type { BlobCache } from './blob/blob-cache.ts'
import type { Book } from './book/book.ts'
import type { LogBook } from './attempt/log-book.ts'
import type { Outbox } from './claim/outbox.ts'
import type { JournalChange } from './journal/journal-record.ts'

import type { MaintenancePlan } from './maintenance/plan.ts'
import type { MarketRecords } from './market/market-records.ts'
import type { Markets } from './market/markets.ts'
import type { OfferDesk } from './offer/offer-desk.ts'
import type { AgentOptions } from './options.ts'
import type { Pricing } from './price/pricing.ts'
import type { Workload } from './workload/workload.ts'

/** What every verb of the agent works with. */
export interface AgentContext {
  readonly options: AgentOptions
  readonly world: World
  readonly signer: Signer
  readonly verifier: Verifier
  readonly blobs: BlobCache
  readonly workloads: ReadonlyMap<RuntimeKind, Workload>
  readonly log: Log
  readonly book: Book
  readonly bids: Bids
  /** Keeps a proof that a market broke the rule of an auction. */
  readonly onBreach: (proof: AuctionProof) => void
  readonly markets: Markets
  readonly marketRecords: MarketRecords
  readonly pricing: Pricing
  readonly maintenance: MaintenancePlan
  readonly offers: OfferDesk
  readonly outbox: Outbox
  readonly wants: Wants
  readonly benchmarks: BenchmarkDesk
  readonly logBook: LogBook
  /** Durable when it resolves; rejects with `cancelled` once the agent is stopped. */
  readonly write: (changes: readonly JournalChange[]) => Promise<void>
  /** Like `write`, for what may be lost without harm; a failure is logged. */
  readonly writeLater: (changes: readonly JournalChange[]) => void
  /** As `writeLater`, for what is in no hurry either: it goes along with the next commit, or has one of its own soon. */
  readonly writeAlong: (changes: readonly JournalChange[]) => void
  /** Aborted when the agent stops. */
  readonly signal: AbortSignal
}

export const domainOf = (context: Pick<AgentContext, 'options'>, market: Address): SignatureDomain => ({
  chainId: context.options.chainId,
  market,
})
