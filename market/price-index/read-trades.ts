import {
  createTradeTally,
  digestOf,
  hourOf,
  lowestId,
  parseAttemptId,
  type Digest,
  type JobId,
  type Receipt,
  type ReceiptId,
  type Resources,
  type SoldSlot,
  type Trade,
} from '@muster/protocol'
import type { Jobs } from '../job/jobs.ts'
import { loadJob } from '../job/load-job.ts'
import { refundId } from '../ledger/refund-id.ts'
import type { Period, Store } from '../store/store.ts'

export interface ReadTradesModules {
  readonly store: Pick<Store, 'receipts' | 'ledger' | 'readStream'>
  readonly jobs: Pick<Jobs, 'get'>
}

export interface ReadTrades {
  readonly trades: readonly Trade[]
  /** Hours of which receipts were reversed by those that were read. */
  readonly revised: ReadonlySet<number>
}

/** What of a job its receipts do not say. */
interface JobFacts {
  readonly leases: ReadonlyMap<Digest, { readonly slot: Resources; readonly sold: SoldSlot | undefined }>
  readonly reversed: ReadonlySet<ReceiptId>
}

const pageBatches = 64
const jobsKept = 256
/** A receipt's id is made in the turn that issues it; clocks may step between. */
const slackMs = 60_000

const reversedOf = async (job: JobId, { store }: ReadTradesModules): Promise<ReadonlySet<ReceiptId>> => {
  const reversed = new Set<ReceiptId>()
  for (let number = 0; ; number++) {
    const entry = await store.ledger.entry(refundId(job, number))
    if (entry === undefined) return reversed
    const receipt = entry.note?.receipt ?? null
    if (receipt !== null) reversed.add(receipt)
  }
}

const readFacts = async (id: JobId, modules: ReadTradesModules): Promise<JobFacts> => {
  const job = modules.jobs.get(id)?.peek() ?? (await loadJob(modules.store, id))?.job
  const leases = new Map(
    [...(job?.leases.values() ?? [])].map(({ lease: { record } }) => [
      digestOf(record),
      { slot: record.resources, sold: record.sold },
    ]),
  )
  return { leases, reversed: await reversedOf(id, modules) }
}

/**
 * What was traded from `from` on and before `to`, worked out from the receipts issued then, their leases in the journal, and the
 * refunds in the ledger. Whoever reads it later reads the same, unless a receipt was reversed meanwhile.
 */
export const readTrades = async ({ from, to }: Required<Period>, modules: ReadTradesModules): Promise<ReadTrades> => {
  const { store } = modules
  const tally = createTradeTally()
  const revised = new Set<number>()
  const known = new Map<JobId, JobFacts>()

  const factsOf = async (job: JobId): Promise<JobFacts> => {
    const facts = known.get(job) ?? (await readFacts(job, modules))
    known.set(job, facts)
    for (const [oldest] of known) if (known.size > jobsKept) known.delete(oldest)
    return facts
  }

  const take = async (receipts: readonly Receipt[]): Promise<void> => {
    for (const receipt of receipts) {
      const job = parseAttemptId(receipt.attempt)?.job
      if (job === undefined) continue
      const { leases, reversed } = await factsOf(job)
      const lease = leases.get(receipt.lease)
      if (lease !== undefined) tally.add({ receipt, ...lease }, reversed.has(receipt.id))
      if (receipt.reverses === null) continue
      const charge = await store.receipts.get(receipt.reverses)
      if (charge !== undefined) revised.add(hourOf(charge.receipt.record.issuedAt))
    }
  }

  for (let after = lowestId('receipt', Math.max(0, from - slackMs)); ;) {
    const page = await store.receipts.batches({ limit: pageBatches, after })
    for (const { receipts } of page) {
      const at = receipts.records[0]?.issuedAt ?? 0
      if (at >= from && at < to) await take(receipts.records)
    }
    const last = page.at(-1)?.receipts.records[0]
    if (last === undefined || page.length < pageBatches || last.issuedAt >= to + slackMs) break
    after = last.id
  }
  return { trades: tally.trades(), revised }
}
