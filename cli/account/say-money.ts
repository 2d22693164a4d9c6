import { formatUsd, type AccountNotice, type Standing } from '@muster/sdk'
import { formatDuration } from '../format/format-duration.ts'
import { formatAge } from '../format/format-time.ts'

/** How long money lasts, for a person. */
export const sayRunway = (runwayMs: number | null): string =>
  runwayMs === null ? 'no end to it: nothing is being spent' : formatDuration(runwayMs)

/** What is to be said of how an account stands, and what to do; nothing where all is well. */
export const sayStanding = (
  account: {
    readonly standing: Standing
    readonly runwayMs: number | null
    readonly belowMs: number | null
    readonly graceUntil: number | null
  },
  now: number,
): string => {
  switch (account.standing) {
    case 'fine':
      return ''
    case 'low':
      return `At this rate the money is gone in ${sayRunway(account.runwayMs)}, which is less than ${formatDuration(account.belowMs ?? 0)}. Jobs that run are paid for; deposit before the next ones.`
    case 'grace':
      return `The money is used up. Nothing that runs is stopped; uploads go on until the grace period ends ${formatAge(account.graceUntil ?? now, now)}. New jobs need a deposit.`
    case 'stopped':
      return 'The money is used up and the grace period is over: uploads and new jobs are refused until you deposit.'
  }
}

/** One notice of the account’s stream in a few words. */
export const sayNotice = ({ standing, belowMs, balance, escrow }: AccountNotice): string => {
  const held = `${formatUsd(balance)} and ${formatUsd(escrow)} in escrow`
  switch (standing) {
    case 'fine':
      return `enough money again: ${held}`
    case 'low':
      return `lasts for less than ${formatDuration(belowMs ?? 0)}: ${held}`
    case 'grace':
      return 'used up; the grace period began'
    case 'stopped':
      return 'used up; the grace period ended'
  }
}
