import {
  checkStatement,
  earningsAccount,
  MusterError,
  type Address,
  type EntryId,
  type ReceiptId,
  type SignatureDomain,
  type Statement,
  type StatementEntry,
  type StatementLine,
  type World,
} from '@muster/protocol'
import { noBugs, type PlantedBug } from '../planted-bug.ts'
import { spreadBatch } from '../store/spread-batch.ts'
import type { ReceiptBatch, Store } from '../store/store.ts'

export interface StatementInput {
  readonly provider: Address
  /** Wall-clock ms: from `from` on and before `to`. */
  readonly from: number
  readonly to: number
}

export interface StatementModules {
  readonly world: World
  readonly store: Store
  readonly domain: SignatureDomain
  readonly bugs?: ReadonlySet<PlantedBug>
}

/** Lines of one statement; a longer period is asked for in parts. */
export const maxStatementLines = 50_000
const pageBatches = 256
const pageEntries = 1_000
/** Read again where it does not add up: something may have been written in between. */
const maxReads = 3

const tooLong = (from: number, to: number): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `There are more than ${maxStatementLines} receipts in this period; ask for a shorter one.`,
    facts: { expected: `at most ${maxStatementLines} receipts`, from, to },
  })

const linesOf = (batch: ReceiptBatch): StatementLine[] =>
  spreadBatch(batch).map(({ entry, fee, receipt: { record } }) => ({
    receipt: record.id,
    attempt: record.attempt,
    at: record.issuedAt,
    amount: record.amount,
    fee,
    entry,
    reverses: record.reverses,
  }))

const readLines = async (store: Store, { provider, from, to }: StatementInput): Promise<StatementLine[]> => {
  const lines: StatementLine[] = []
  for (let after: ReceiptId | undefined; ;) {
    const page: readonly ReceiptBatch[] = await store.receipts.batches({
      provider,
      from,
      to,
      limit: pageBatches,
      ...(after === undefined ? {} : { after }),
    })
    for (const batch of page) lines.push(...linesOf(batch))
    if (lines.length > maxStatementLines) throw tooLong(from, to)
    if (page.length < pageBatches) return lines
    after = page.at(-1)?.receipts.records[0]?.id
  }
}

const readEntries = async (store: Store, { provider, from, to }: StatementInput): Promise<StatementEntry[]> => {
  const account = earningsAccount(provider)
  const entries: StatementEntry[] = []
  for (let after: EntryId | undefined; ;) {
    const page = await store.ledger.list({
      account,
      from,
      to,
      limit: pageEntries,
      ...(after === undefined ? {} : { after }),
    })
    for (const { id, kind, at, legs } of page) {
      const earned = legs.reduce((sum, leg) => (leg.account === account ? sum + leg.amount : sum), 0n)
      entries.push({ entry: id, kind, at, earned })
    }
    if (page.length < pageEntries) return entries
    after = page.at(-1)?.id
  }
}

const byTime = (a: { readonly at: number }, b: { readonly at: number }): number => a.at - b.at

/**
 * What a provider earned in a period, from receipts and entries both, each read by itself: `checkStatement` says whether they
 * agree. Opening and closing are what the entries before each time add up to. Rejects `request_invalid` for too long a period.
 */
export const writeStatement = async (input: StatementInput, modules: StatementModules): Promise<Statement> => {
  const { world, store, domain, bugs = noBugs } = modules
  const { provider, from } = input
  const to = Math.min(input.to, world.now())
  if (from >= to) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'A statement is of a period that has begun: from before to, and from before now.',
      facts: { expected: 'from < to', from, to },
    })
  }
  const period = { provider, from, to }
  const account = earningsAccount(provider)
  for (let reads = 1; ; reads++) {
    const [opening, closing] = [await store.ledger.entered(account, from), await store.ledger.entered(account, to)]
    const [lines, entries] = [await readLines(store, period), await readEntries(store, period)]
    const statement: Statement = {
      market: domain.market,
      chainId: domain.chainId,
      provider,
      from,
      to,
      opening,
      closing,
      lines: lines.toSorted(byTime).slice(bugs.has('statement-off-by-one') ? 1 : 0),
      entries: entries.toSorted(byTime),
    }
    if (reads === maxReads || checkStatement(statement).faults.length === 0) return statement
  }
}
