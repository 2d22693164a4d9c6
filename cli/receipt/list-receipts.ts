import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { formatUsd, MusterError, parseAttemptId, toJson, type Cid, type Muster, type ReceiptBundle } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatPrice, shorten } from '../format/format-record.ts'
import { parseJobId } from '../job/parse-ids.ts'
import { renderTable } from '../terminal/render-table.ts'
import { programSuffix, transcriptSuffix } from './read-bundles.ts'

const columns = [
  { title: 'receipt' },
  { title: 'task', align: 'right' },
  { title: 'attempt', align: 'right' },
  { title: 'provider' },
  { title: 'price', align: 'right' },
  { title: 'operators', align: 'right', spare: 1 },
  { title: 'amount', align: 'right' },
] as const

/**
 * Writes each receipt to a file, and beside them the manifests of their programs and the transcripts of their auctions: all that is needed to
 * check them later. Resolves to why transcripts are missing that the market does not keep any more.
 */
const save = async (
  session: Session,
  muster: Muster,
  bundles: readonly ReceiptBundle[],
  directory: string,
): Promise<string[]> => {
  const folder = path.resolve(session.directory, directory)
  await mkdir(folder, { recursive: true })
  for (const bundle of bundles)
    await writeFile(path.join(folder, `${bundle.receipt.record.id}.json`), `${toJson(bundle, 2)}\n`)
  const programs = new Set(
    bundles.map(({ claim }) => claim.record.program).filter((program): program is Cid => program !== null),
  )
  for (const program of programs) {
    await writeFile(
      path.join(folder, `${program}${programSuffix}`),
      await muster.getBlob(program, { signal: session.signal }),
    )
  }
  const auctions = new Set(bundles.flatMap(({ lease }) => lease.record.auction?.id ?? []))
  const missing: string[] = []
  for (const auction of auctions) {
    try {
      const transcript = await muster.getAuction(auction, { signal: session.signal })
      await writeFile(path.join(folder, `${auction}${transcriptSuffix}`), `${toJson(transcript, 2)}\n`)
    } catch (error) {
      if (!(error instanceof MusterError) || error.code !== 'not_found') throw error
      missing.push(`${auction}: ${error.message}`)
    }
  }
  return missing
}

const rowOf = ({ receipt: { record } }: ReceiptBundle): string[] => {
  const name = parseAttemptId(record.attempt)
  return [
    record.id,
    String(name?.index ?? '–'),
    String(name?.fence ?? '–'),
    shorten(record.provider),
    formatPrice(record.price),
    String(record.operators),
    formatUsd(record.amount),
  ]
}

/** `muster receipt list`: what a job was charged, and with --out all that is needed to check it offline. */
export const listReceipts = async (
  session: Session,
  text: string,
  options: { readonly out?: string },
): Promise<number> => {
  const job = parseJobId(text)
  const muster = await session.connectFor(job)
  const bundles: ReceiptBundle[] = []
  for await (const bundle of muster.listReceipts(job, { signal: session.signal })) bundles.push(bundle)
  const missing = options.out === undefined ? [] : await save(session, muster, bundles, options.out)
  const { style, terminal } = session
  session.print(bundles, () => {
    if (bundles.length === 0) return 'Nothing was charged yet.\n'
    const total = bundles.reduce((sum, { receipt }) => sum + receipt.record.amount, 0n)
    const fees = bundles.reduce((sum, { fee }) => sum + (fee ?? 0n), 0n)
    const kept = fees === 0n ? '' : `, of which the market keeps ${formatUsd(fees)}`
    const saved =
      options.out === undefined
        ? ''
        : `Saved in ${options.out}; check them with: muster receipt verify ${options.out}\n`
    const without = missing.map((each) => `Without a transcript: ${each}\n`).join('')
    const table = renderTable(columns, bundles.map(rowOf), { style, width: terminal.stdout.columns })
    return `${table}\n${bundles.length} receipts, ${style.bold(formatUsd(total))} in all${kept}.\n${saved}${without}`
  })
  return exitCodes.ok
}
