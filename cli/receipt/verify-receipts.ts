import path from 'node:path'
import {
  cidOf,
  createVerifier,
  formatUsd,
  loadSecp256k1,
  MusterError,
  receiptBundleSchema,
  verifyBill,
  verifyReceipt,
  type Address,
  type ReceiptBundle,
  type ReceiptCheck,
  type ReceiptVerdict,
  type TranscriptBundle,
  type TrustedFacts,
} from '@muster/sdk'
import { addressSchema } from '@muster/protocol'
import type { Session } from '../command/session.ts'
import { readContext } from '../context/read-context.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { shorten } from '../format/format-record.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Style } from '../terminal/style.ts'
import { printable } from '../terminal/text-width.ts'
import { readBundles } from './read-bundles.ts'

export interface VerifyOptions {
  readonly marketAddress?: string
  readonly tenantAddress?: string
}

const parseAddress = (text: string): Address => {
  const parsed = addressSchema.safeParse(text.toLowerCase())
  if (parsed.success) return parsed.data
  throw new MusterError({
    code: 'request_invalid',
    message: 'This is not an address: expected 0x and 40 hexadecimal digits.',
    facts: { expected: '0x…', found: text.slice(0, 64) },
  })
}

/** What is trusted: what the flags say, else the context file, unless MUSTER_URL names another market than that. Nothing is asked of a market. */
const trustedFacts = async (
  session: Session,
  { marketAddress, tenantAddress }: VerifyOptions,
): Promise<TrustedFacts> => {
  const found = await readContext(session.env, session.directory).catch(() => undefined)
  const url = session.env['MUSTER_URL'] ?? ''
  const context = url === '' || url === found?.context.url ? found?.context : undefined
  return {
    market: marketAddress === undefined ? context?.market : parseAddress(marketAddress),
    tenant: tenantAddress === undefined ? context?.tenant : parseAddress(tenantAddress),
    chainId: marketAddress === undefined ? context?.chainId : undefined,
  }
}

const marks = { ok: '✓', failed: '✗', unknown: '?' } as const

/** What is right need not be spelled out; what is not is. */
const sayWhy = ({ result, why }: ReceiptCheck): string =>
  printable(result === 'ok' ? why.replace(/0x[0-9a-f]{20,}/g, (hex) => shorten(hex)) : why)

const checkTable = (checks: readonly ReceiptCheck[], style: Style, width: number): string => {
  const paint = { ok: style.green, failed: style.red, unknown: style.yellow }
  return renderTable(
    [{ title: '' }, { title: 'check' }, { title: 'found', isFlexible: true, wraps: true }],
    checks.map((check) => [paint[check.result](marks[check.result]), check.name, sayWhy(check)]),
    { style, width, indent: '  ' },
  )
}

interface Verified {
  readonly file: string
  readonly receipt: string
  readonly verdict: ReceiptVerdict
}

const idOf = (value: unknown): string => {
  const parsed = receiptBundleSchema.safeParse(value)
  return parsed.success ? parsed.data.receipt.record.id : 'no receipt'
}

const programOf = (value: unknown, programs: ReadonlyMap<string, Uint8Array>): Uint8Array | undefined => {
  const parsed = receiptBundleSchema.safeParse(value)
  const program = parsed.success ? parsed.data.claim.record.program : null
  return program === null ? undefined : programs.get(program)
}

const transcriptOf = (
  value: unknown,
  transcripts: ReadonlyMap<string, TranscriptBundle>,
): TranscriptBundle | undefined => {
  const parsed = receiptBundleSchema.safeParse(value)
  return parsed.success ? transcripts.get(parsed.data.lease.record.auction?.id ?? '') : undefined
}

const shownFailures = 10

const renderVerified = (
  session: Session,
  verified: readonly Verified[],
  bill: readonly ReceiptCheck[],
  total: string,
): string => {
  const { style, terminal } = session
  const width = terminal.stdout.columns
  const failed = verified.filter(({ verdict }) => !verdict.ok)
  const billFailed = bill.filter(({ result }) => result === 'failed')
  const [only] = verified
  const detail = (checks: readonly ReceiptCheck[]) => checkTable(checks, style, width)
  const one =
    verified.length === 1 && only !== undefined ? `${style.bold(only.receipt)}\n\n${detail(only.verdict.checks)}\n` : ''
  const many =
    verified.length === 1
      ? ''
      : failed
          .slice(0, shownFailures)
          .map(({ file, receipt, verdict }) => {
            const bad = verdict.checks.filter(({ result }) => result === 'failed')
            return `${style.bold(receipt)} ${style.dim(path.relative(session.directory, file))}\n${detail(bad)}\n`
          })
          .join('') +
        (failed.length > shownFailures ? style.dim(`… and ${failed.length - shownFailures} more\n\n`) : '')
  const unknown = new Map(
    verified.flatMap(({ verdict }) =>
      verdict.checks.filter(({ result }) => result === 'unknown').map((check) => [check.name, check] as const),
    ),
  )
  const open = verified.length > 1 && unknown.size > 0 ? `Not known:\n${detail([...unknown.values()])}\n` : ''
  const wrong = billFailed.length > 0 ? `${detail(billFailed)}\n` : ''
  const isRight = failed.length === 0 && billFailed.length === 0
  const sum = isRight
    ? `${style.green('✓')} ${verified.length === 1 ? `The receipt passes; it is for ${total}` : `All ${verified.length} receipts pass; they add up to ${total}`}.\n`
    : `${style.red('✗')} ${failed.length} of ${verified.length} receipts did not pass${billFailed.length > 0 ? ', nor did the bill' : ''}.\n`
  return `${one}${many}${open}${wrong}${sum}`
}

/** `muster receipt verify`: offline. Exits with 1 unless every receipt passes. */
export const verifyReceipts = async (
  session: Session,
  paths: readonly string[],
  options: VerifyOptions,
): Promise<number> => {
  const { bundles, programs, transcripts } = await readBundles(
    paths.map((given) => path.resolve(session.directory, given)),
  )
  const trusted = await trustedFacts(session, options)
  const verifier = createVerifier(await loadSecp256k1())
  const byCid = new Map(programs.map((bytes) => [cidOf(bytes) as string, bytes]))
  const verified = bundles.map(({ file, value }): Verified => ({
    file,
    receipt: idOf(value),
    verdict: verifyReceipt(
      value,
      { ...trusted, program: programOf(value, byCid), transcript: transcriptOf(value, transcripts) },
      verifier,
    ),
  }))
  const wellFormed = bundles.flatMap(({ value }): ReceiptBundle[] => {
    const parsed = receiptBundleSchema.safeParse(value)
    return parsed.success ? [parsed.data] : []
  })
  const bill = verifyBill(wellFormed)
  const isRight = bill.ok && verified.every(({ verdict }) => verdict.ok)
  session.print(
    {
      ok: isRight,
      total: bill.total,
      bill: bill.checks,
      receipts: verified.map(({ file, receipt, verdict }) => ({ file, receipt, ...verdict })),
    },
    () => renderVerified(session, verified, bill.checks, formatUsd(bill.total)),
  )
  return isRight ? exitCodes.ok : exitCodes.failed
}
