import { formatUsd, type Address } from '@muster/protocol'
import { printable } from '../log/printable.ts'
import { alignColumns } from '../log/align-columns.ts'
import { sayUrls } from '../market/say-urls.ts'
import type { ClaimCount } from './claim-counts.ts'
import type { Earnings } from './hold-against.ts'

export interface MarketEarnings {
  readonly url: string
  readonly address: Address | null
  /** Claims that it has not settled, when the agent last looked. */
  readonly unsettled: number
  readonly earnings: Earnings | null
  /** Why it could not be asked. */
  readonly problem: string | null
}

export interface EarningsDocument {
  readonly provider: Address
  readonly from: number
  readonly to: number
  readonly lateMs: number
  readonly markets: readonly MarketEarnings[]
  /** Claims at markets that the agent does not sell to any more. */
  readonly unasked: readonly ClaimCount[]
}

const shownJobs = 10

const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ')

const rowOf = ({ url, earnings }: MarketEarnings): string[] => {
  if (earnings === null) return [sayUrls(url), '?', '?', '?', '?', '?', '?']
  const { totals, receipts, claims, missing } = earnings
  const late = missing.reduce((sum, each) => sum + each.claims - each.receipts, 0)
  const money = [totals.amount, totals.fee, totals.earned].map(formatUsd)
  return [sayUrls(url), String(claims), String(receipts), ...money, String(late)]
}

const headings = ['MARKET', 'CLAIMS', 'RECEIPTS', 'CHARGED', 'FEES', 'EARNED', 'MISSING']

const alarmsOf = ({ url, earnings, problem }: MarketEarnings, lateMs: number): string[] => {
  const name = printable(url)
  if (problem !== null) return [`! ${name} could not be asked: ${printable(problem)}`]
  if (earnings === null) return []
  const { missing, faults } = earnings
  const shown = missing.slice(0, shownJobs)
  const more = missing.length - shown.length
  return [
    ...faults.map((fault) => `✗ THE STATEMENT OF ${name} DOES NOT ADD UP: ${fault}`),
    ...shown.map(
      ({ job, claims, receipts, lastAt }) =>
        `✗ ${name} GAVE NO RECEIPT FOR ${claims - receipts} OF ${claims} CLAIMS of ${job}, the last of them at ${day(lastAt)}, more than ${lateMs / 60_000} minutes ago`,
    ),
    ...(more > 0 ? [`✗ … and for claims of ${more} more jobs; --json has all`] : []),
  ]
}

const hint =
  'A claim without a receipt was refused (the task had gone to another machine meanwhile) or is owed: ask the operator.'

/** As `muster agent earnings` shows it: a line for each market, the sum, then whatever is wrong. */
export const renderEarnings = ({ provider, from, to, lateMs, markets, unasked }: EarningsDocument): string => {
  const asked = markets.flatMap(({ earnings }) => (earnings === null ? [] : [earnings]))
  const earned = asked.reduce((sum, { totals }) => sum + totals.earned, 0n)
  const alarms = markets.flatMap((market) => alarmsOf(market, lateMs))
  const isMissing = asked.some(({ missing }) => missing.length > 0)
  const gone = unasked.reduce((sum, { claims }) => sum + claims, 0)
  const isWhole = alarms.length === 0
  return [
    `${provider}, ${day(from)} to ${day(to)} (UTC)`,
    '',
    alignColumns([headings, ...markets.map(rowOf)]),
    '',
    `Earned ${formatUsd(earned)} at ${asked.length} of ${markets.length} markets.`,
    ...(isWhole ? ['Every claim old enough has its receipt, and every statement adds up.'] : alarms),
    ...(isMissing ? [hint] : []),
    ...(gone === 0 ? [] : [`! ${gone} claims were made at markets that this agent does not sell to any more.`]),
    '',
  ].join('\n')
}
