import { checkStatement, parseAttemptId, type JobId, type Statement, type StatementTotals } from '@muster/protocol'
import type { ClaimCount } from './claim-counts.ts'

/** A job whose claims are more than its receipts. */
export interface MissingReceipts {
  readonly job: JobId
  readonly claims: number
  readonly receipts: number
  readonly lastAt: number
}

export interface Earnings {
  readonly totals: StatementTotals
  readonly receipts: number
  /** Claims of jobs that were begun in the period. */
  readonly claims: number
  readonly missing: readonly MissingReceipts[]
  /** One sentence for everything of the statement that does not add up. */
  readonly faults: readonly string[]
}

/**
 * Holds a market's statement against what this machine claimed there: of each job that was begun in the period and claimed nothing
 * for `lateMs`, there must be as many receipts as claims. Receipts that reverse others do not count.
 */
export const holdAgainst = (
  statement: Statement,
  counts: readonly ClaimCount[],
  { lateMs, now }: { readonly lateMs: number; readonly now: number },
): Earnings => {
  const receipts = new Map<JobId, number>()
  for (const { attempt, reverses } of statement.lines) {
    const job = parseAttemptId(attempt)?.job
    if (job !== undefined && reverses === null) receipts.set(job, (receipts.get(job) ?? 0) + 1)
  }
  const own = counts.filter(
    ({ market, firstAt, lastAt }) => market === statement.market && firstAt >= statement.from && lastAt < statement.to,
  )
  const missing = own
    .filter(({ job, claims, lastAt }) => lastAt + lateMs <= now && (receipts.get(job) ?? 0) < claims)
    .map(({ job, claims, lastAt }) => ({ job, claims, receipts: receipts.get(job) ?? 0, lastAt }))
    .toSorted((a, b) => b.claims - b.receipts - (a.claims - a.receipts))
  const { totals, faults } = checkStatement(statement)
  return {
    totals,
    receipts: statement.lines.filter(({ reverses }) => reverses === null).length,
    claims: own.reduce((sum, { claims }) => sum + claims, 0),
    missing,
    faults,
  }
}
