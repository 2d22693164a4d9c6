import type { ErrorCode, Fault, MusterError } from '@muster/sdk'
import { formatDuration } from '../format/format-duration.ts'
import { isMerelyBusy } from './is-merely-busy.ts'

const faults: Readonly<Record<Fault, string>> = {
  tenant: 'yours',
  provider: 'the provider’s',
  market: 'the market’s',
  program: 'the program’s',
  machine: 'the machine’s',
  network: 'the network’s, between here and the market',
}

/** Whose fault an error is, as the caller reads it. */
export const sayFault = (fault: Fault): string => faults[fault]

const advice: Partial<Record<ErrorCode, string>> = {
  spec_invalid: 'Correct what is listed and submit again; nothing was charged.',
  unauthenticated: 'Give a key with --key or MUSTER_API_KEY; `muster up` writes one for the network on this machine.',
  forbidden: 'Use a key of the account that owns it.',
  insufficient_funds: 'Deposit more, or lower the job’s ceiling; `muster account show` says what there is.',
  nothing_fits: 'Loosen what is listed, or pay more; `muster offer list` shows what there is. Nothing was charged.',
  blob_missing: 'Upload it with `muster blob put`, or a program with `muster program publish`.',
  blob_too_large: 'Split it, or use a market with a higher limit.',
  program_refused: 'Change the model as listed; `muster program publish --dry-run` checks without a market.',
  clock_skewed: 'Set this machine’s clock.',
  signature_invalid: 'Use the key of the account.',
  internal: 'Report this to whoever runs the market.',
}

/** What the caller can do about an error. */
export const adviseOn = (error: MusterError): string => {
  if (error.code === 'unavailable' && error.fault === 'network') {
    return 'Start a network here with `muster up`, or name a market with --market URL or MUSTER_URL.'
  }
  if (error.code === 'request_invalid' && typeof error.facts['see'] === 'string')
    return `\`${error.facts['see']}\` says what there is.`
  if (error.code === 'request_invalid' && error.facts['found'] === 'ENOENT') return 'Check the path.'
  if (error.code === 'not_found') {
    const { job, task, missing } = error.facts
    if (typeof job === 'string' && (task ?? missing) !== undefined)
      return `See its tasks with \`muster job show ${job}\`.`
    return 'job' in error.facts ? 'See what there is with `muster job list`.' : 'Check the name.'
  }
  if (error.code === 'forbidden' && 'reason' in error.facts) return 'Ask whoever runs the market.'
  if (error.code === 'forbidden' && 'expected' in error.facts) return 'Use an admin key with such a role.'
  if (error.code === 'unauthenticated' && error.facts['expected'] === 'an admin key')
    return 'Give an admin key with --key or MUSTER_API_KEY; the first is in `admin.key` of the market’s data directory.'
  if (error.code === 'insufficient_funds' && error.facts['account'] === 'market:fees')
    return 'Refund a receipt, which is taken back from whom it paid, or deposit into the market’s fees first.'
  if (error.code === 'nothing_fits' && error.facts['offers'] === 0) return 'Try again later. Nothing was charged.'
  if (isMerelyBusy(error)) return 'Submit it all the same: it waits until slots come free. Nothing was charged.'
  const known = advice[error.code]
  if (known !== undefined) return known
  if (error.retry === 'now') return 'Try again.'
  if (error.retry === 'never') return 'Trying again will not help; change what is named above.'
  return error.retryAfterMs === undefined ? 'Try again later.' : `Try again in ${formatDuration(error.retryAfterMs)}.`
}
