import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  checkStatement,
  createSigner,
  formatUsd,
  fromHex,
  loadSecp256k1,
  MusterError,
  parseAttemptId,
  type Signer,
  type Statement,
  type StatementCheck,
} from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { renderTable } from '../terminal/render-table.ts'
import { statementCsv } from './statement-csv.ts'

export interface StatementOptions {
  readonly from?: string
  readonly to?: string
  readonly csv?: boolean
}

const timeoutMs = 600_000
const shownLines = 200

const noKey = (file: string | undefined): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message:
      file === undefined
        ? 'A statement is for whoever holds the provider’s key: name its file with --key, such as --key .muster/agent/agent.key.'
        : 'This file does not hold a key: expected 0x and 64 hexadecimal digits.',
    facts: { expected: 'a key file of an agent', found: file ?? 'nothing' },
  })

const readSigner = async (session: Session, file: string | undefined): Promise<Signer> => {
  if (file === undefined) throw noKey(file)
  const text = (await readFile(path.resolve(session.directory, file), 'utf8')).trim()
  if (!/^0x[0-9a-f]{64}$/.test(text)) throw noKey(file)
  return createSigner(await loadSecp256k1(), fromHex(text as `0x${string}`))
}

const parseDate = (text: string): number => {
  const at = /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isFinite(at) && at >= 0) return at
  throw new MusterError({
    code: 'request_invalid',
    message: 'A day is a date such as 2026-11-01, or a time such as 2026-11-01T12:00:00Z.',
    facts: { expected: 'YYYY-MM-DD', found: text.slice(0, 40) },
  })
}

const firstOfMonth = (now: number): number => {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ')

const columns = [
  { title: 'when (UTC)' },
  { title: 'receipt' },
  { title: 'attempt', spare: 1 },
  { title: 'amount', align: 'right' },
  { title: 'fee', align: 'right' },
  { title: 'earned', align: 'right' },
  { title: 'entry', spare: 2 },
] as const

const shortAttempt = (attempt: string): string => {
  const name = parseAttemptId(attempt)
  return name === undefined ? attempt : `…${name.job.slice(-6)}.${name.index}.${name.fence}`
}

const renderStatement = (session: Session, statement: Statement, { totals, faults }: StatementCheck): string => {
  const { style, terminal } = session
  const { provider, market, from, to, opening, closing, lines, entries } = statement
  const head = renderFacts(
    [
      ['provider', style.bold(provider)],
      ['market', market],
      ['period', `${dayOf(from)} to ${dayOf(to)} (UTC)`],
      ['opening', formatUsd(opening)],
      ['receipts', `${lines.length} over ${formatUsd(totals.amount)}`],
      ['fees', formatUsd(-totals.fee)],
      ['earned', style.bold(formatUsd(totals.earned))],
      ['closing', style.bold(formatUsd(closing))],
    ],
    { style },
  )
  const rows = lines
    .slice(-shownLines)
    .map(({ receipt, attempt, at, amount, fee, entry }) => [
      dayOf(at),
      receipt,
      shortAttempt(attempt),
      formatUsd(amount),
      formatUsd(fee),
      formatUsd(amount - fee),
      entry ?? '–',
    ])
  const hidden =
    lines.length > shownLines ? style.dim(`… and ${lines.length - shownLines} before them; --csv has all.\n`) : ''
  const table = renderTable(columns, rows, { style, width: terminal.stdout.columns })
  const verdict =
    faults.length === 0
      ? `${style.green('✓')} Receipts and ledger agree line by line: ${lines.length} receipts, ${entries.length} entries.\n`
      : `${style.red('✗ THIS STATEMENT DOES NOT ADD UP')}\n${faults.map((fault) => `  ${style.red('✗')} ${fault}\n`).join('')}`
  return `${head}\n${hidden}${table}${lines.length === 0 ? '' : '\n'}${verdict}`
}

/** `muster statement`: what a provider earned. Adds it up here, and exits with 1 where receipts and ledger do not agree. */
export const showStatement = async (
  session: Session,
  keyFile: string | undefined,
  options: StatementOptions,
): Promise<number> => {
  const signer = await readSigner(session, keyFile)
  const now = session.now()
  const period = {
    from: options.from === undefined ? firstOfMonth(now) : parseDate(options.from),
    to: options.to === undefined ? now : parseDate(options.to),
  }
  const muster = await session.connect()
  const statement = await muster.statement(signer, period, { signal: session.signal, timeoutMs })
  const check = checkStatement(statement)
  if (options.csv === true && !session.isJson) {
    session.print(statement, () => statementCsv(statement), 'as-is')
    for (const fault of check.faults) session.terminal.stderr.write(`✗ ${fault}\n`)
  } else {
    session.print({ ...statement, totals: check.totals, faults: check.faults }, () =>
      renderStatement(session, statement, check),
    )
  }
  return check.faults.length === 0 ? exitCodes.ok : exitCodes.failed
}
