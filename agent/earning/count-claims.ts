import type { Address, Claim, JobId } from '@muster/protocol'
import type { MarketRecords } from '../market/market-records.ts'
import type { ClaimCounts } from './claim-counts.ts'

export interface CountClaimsModules {
  readonly marketRecords: Pick<MarketRecords, 'claimed'>
  readonly claimCounts: Pick<ClaimCounts, 'add'> | undefined
  readonly now: number
}

/** Counts claims of one market for its record, and for each of their jobs. */
export const countClaims = (
  market: Address,
  claims: readonly Claim[],
  { marketRecords, claimCounts, now }: CountClaimsModules,
): void => {
  marketRecords.claimed(market, claims.length)
  if (claimCounts === undefined) return
  const byJob = new Map<JobId, number>()
  for (const { attempt } of claims) {
    const job = attempt.slice(0, attempt.indexOf('.')) as JobId
    byJob.set(job, (byJob.get(job) ?? 0) + 1)
  }
  for (const [job, count] of byJob) claimCounts.add(market, job, count, now)
}
