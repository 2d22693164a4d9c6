import { formatUsd, type NanoUsd, type Statement } from '@muster/sdk'

/** Dollars without a sign, so that a spreadsheet takes them for a number. */
const dollars = (amount: NanoUsd): string => formatUsd(amount).replace('$', '')

const header = 'at,receipt,attempt,reverses,amount_usd,fee_usd,earned_usd,entry'

/** A statement as CSV (RFC 4180): a header, then one line a receipt, oldest first. No field needs quotes. */
export const statementCsv = ({ lines }: Statement): string =>
  [
    header,
    ...lines.map(({ at, receipt, attempt, reverses, amount, fee, entry }) =>
      [
        new Date(at).toISOString(),
        receipt,
        attempt,
        reverses ?? '',
        dollars(amount),
        dollars(fee),
        dollars(amount - fee),
        entry ?? '',
      ].join(','),
    ),
  ]
    .map((line) => `${line}\r\n`)
    .join('')
