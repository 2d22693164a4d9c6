import { z } from 'zod'
import { nonNegativeNanoUsdSchema, type NanoUsd } from '../money/money.ts'
import { timeSchema } from '../resource/resources.ts'

/**
 * How an account stands: `fine`; `low` while its runway is shorter than a threshold; `grace` once balance and escrow are used
 * up; `stopped` when the grace period is over.
 */
export const standings = ['fine', 'low', 'grace', 'stopped'] as const
export type Standing = (typeof standings)[number]

/** Money of a tenant at one time. */
export interface Funds {
  readonly balance: NanoUsd
  /** What is set aside for jobs that are not closed: spent or returned with each. */
  readonly escrow: NanoUsd
  /** Nano-dollars an hour: the sum of `burnOf` over the jobs. */
  readonly burn: NanoUsd
}

/** One event of an account's stream: its standing changed. Numbered from 1. */
export const accountNoticeSchema = z.strictObject({
  number: z.int().min(1),
  at: timeSchema,
  standing: z.enum(standings),
  /** Since when, where the standing is `grace` or `stopped`: the funds were used up. Else the time of the notice. */
  since: timeSchema,
  balance: nonNegativeNanoUsdSchema,
  escrow: nonNegativeNanoUsdSchema,
  burn: nonNegativeNanoUsdSchema,
  /** The threshold that the runway fell below, in ms; null where the standing is not `low`. */
  belowMs: z.int().min(1).nullable(),
})
export type AccountNotice = z.output<typeof accountNoticeSchema>

export interface StandingRules {
  /** Of the runway, in ms; the order does not matter. */
  readonly warnBelowMs: readonly number[]
  /** How long an account whose funds are used up keeps what it has, in ms. */
  readonly graceMs: number
}

const msPerHour = 3_600_000n
/** A warning holds until the runway is this much longer than its threshold, so that it does not come and go. */
const easing = 1.25
/** No account is told of a longer runway. */
const maxRunwayMs = 2 ** 48

/**
 * How long balance and escrow last together if the spending goes on as it is now, in ms, rounded down; `null` where nothing is
 * being spent, and so there is no end to it. Money that moves between balance and escrow changes nothing.
 */
export const runwayMs = ({ balance, escrow, burn }: Funds): number | null => {
  if (burn <= 0n) return null
  const ms = ((balance + escrow) * msPerHour) / burn
  return ms > BigInt(maxRunwayMs) ? maxRunwayMs : Number(ms)
}

/** How an account stands, and by which threshold; `since` is when its funds were used up, where they are. */
export interface Judgement {
  readonly standing: Standing
  readonly since: number
  readonly belowMs: number | null
}

/**
 * How an account stands now. `before` is the last notice: an account that never had money to run out of is `fine`. The grace
 * period begins when the funds are seen to be used up and is never cut short: money that comes in ends it, and the next begins
 * anew.
 */
export const judgeStanding = (
  funds: Funds,
  before: Pick<AccountNotice, 'standing' | 'since' | 'belowMs'> | undefined,
  now: number,
  { warnBelowMs, graceMs }: StandingRules,
): Judgement => {
  if (funds.balance + funds.escrow === 0n) {
    const wasDry = before?.standing === 'grace' || before?.standing === 'stopped'
    const since = wasDry ? before.since : now
    return { standing: now - since < graceMs ? 'grace' : 'stopped', since, belowMs: null }
  }
  const runway = runwayMs(funds)
  const isPassed = (left: number, threshold: number): boolean =>
    left < threshold ||
    (before?.standing === 'low' && (before.belowMs ?? Infinity) <= threshold && left < threshold * easing)
  const passed = runway === null ? [] : warnBelowMs.filter((threshold) => isPassed(runway, threshold))
  if (passed.length === 0) return { standing: 'fine', since: now, belowMs: null }
  return { standing: 'low', since: now, belowMs: Math.min(...passed) }
}

/** Whether the account's stream has something new to say: another standing, or another threshold passed. */
export const isNews = (found: Judgement, before: AccountNotice | undefined): boolean =>
  before === undefined
    ? found.standing !== 'fine'
    : found.standing !== before.standing || found.belowMs !== before.belowMs
