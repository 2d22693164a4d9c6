import type { FailedRequirement } from '../auction/match-offers.ts'
import { kindAsked, maxTermMs, type LeaseDemand, type OfferTerm } from './lease-term.ts'
import { runsInto, type Maintenance } from './maintenance.ts'

/** What of a demand is about the lease itself. */
export interface TermDemand {
  readonly lease?: LeaseDemand
  /** How long the market's leases last where the order does not say. */
  readonly defaultTermMs?: number
}

interface Terms {
  readonly term?: OfferTerm
  readonly maintenance?: readonly Maintenance[]
}

const sayTime = (at: number): string => new Date(at).toISOString()

const units = [
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
] as const

/** In the largest unit that says it exactly, as job files write it. */
const sayDuration = (ms: number): string => {
  for (const [size, unit] of units) if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  return `${ms}ms`
}

/** The requirements about kind, length, notice and maintenance that an offer fails for a lease that begins now. */
export const failedTerms = (demand: TermDemand, { term, maintenance }: Terms, now: number): FailedRequirement[] => {
  const { lease, defaultTermMs } = demand
  const { kinds, noticeMs, minMs, maxMs } = term ?? { kinds: ['on-demand'], minMs: 0, maxMs: maxTermMs }
  const kind = kindAsked(demand)
  const failed: FailedRequirement[] = []
  const fail = (requirement: string, expected: string, found: string): void =>
    void failed.push({ requirement, expected, found })
  if (!kinds.includes(kind)) fail('lease.kind', kind, kinds.join(', '))
  const lastsMs = lease?.termMs ?? Math.min(defaultTermMs ?? minMs, maxMs)
  if (lastsMs < minMs || lastsMs > maxMs)
    fail('lease.term', sayDuration(lastsMs), `${sayDuration(minMs)} to ${sayDuration(maxMs)}`)
  const minNoticeMs = lease?.minNoticeMs ?? 0
  if (kind === 'spot' && minNoticeMs > (noticeMs ?? 0))
    fail('lease.minNotice', `at least ${sayDuration(minNoticeMs)}`, sayDuration(noticeMs ?? 0))
  const window = runsInto(maintenance, now, now + Math.max(1, lastsMs))
  if (window !== undefined) {
    const found = `maintenance from ${sayTime(window.from)} to ${sayTime(window.until)}`
    fail('maintenance', `none before ${sayTime(now + lastsMs)}`, found)
  }
  return failed
}
