import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createZstdDecompress } from 'node:zlib'
import { MusterError, toHex, type Verifier } from '@muster/protocol'
import type { z } from 'zod'
import {
  endMark,
  endOfRows,
  endSchema,
  headerSchema,
  tableMark,
  tableSchema,
  type BackupHeader,
  type BackupRecord,
  type TableHead,
  type WrittenTable,
} from './backup-format.ts'

/** What is done with the rows of a backup as they are read. */
export interface BackupReader {
  onTable(table: TableHead): Promise<void> | void
  /** Whole lines of the table before, in the text format of COPY. */
  onRows(rows: Uint8Array): Promise<void> | void
  onTableEnd(): Promise<void> | void
}

export interface ReadBackup {
  readonly header: BackupHeader
  readonly record: BackupRecord
}

const newline = 10
const maxHeadBytes = 1024 ** 2

const refuse = (file: string, found: string, cause?: unknown): MusterError =>
  new MusterError({
    code: 'record_invalid',
    message: `This file is no whole backup: ${found}. Nothing was restored.`,
    facts: { file, found },
    fault: 'machine',
    cause,
  })

const parse = <Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  file: string,
  what: string,
): z.output<Schema> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refuse(file, `its ${what} is not JSON`, cause)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw refuse(file, `its ${what} is not of the form this version knows`, parsed.error)
}

/** Runs of whole lines: many at once, so that rows need not be looked at one by one. */
async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  const source = createReadStream(file)
  const plain = createZstdDecompress()
  source.once('error', (error) => plain.destroy(error))
  let parts: Buffer[] = []
  try {
    for await (const chunk of source.pipe(plain) as AsyncIterable<Buffer>) {
      const end = chunk.lastIndexOf(newline)
      if (end < 0) {
        parts.push(chunk)
        continue
      }
      yield Buffer.concat([...parts, chunk.subarray(0, end + 1)])
      parts = end + 1 < chunk.length ? [chunk.subarray(end + 1)] : []
    }
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause) throw cause
    throw refuse(file, 'its bytes end too early or are damaged', cause)
  } finally {
    source.destroy()
  }
  if (parts.length > 0) throw refuse(file, 'its last line is cut off')
}

interface OpenTable {
  readonly head: TableHead
  readonly hash: Hash
  rows: number
}

const countLines = (rows: Buffer): number => {
  let lines = 0
  for (let at = rows.indexOf(newline); at >= 0; at = rows.indexOf(newline, at + 1)) lines++
  return lines
}

const endLine = Buffer.from(`${endOfRows}\n`)

/** Where the rows end in these lines: the place of the line that ends them, or -1. */
const findEnd = (lines: Buffer): number => {
  if (lines.subarray(0, endLine.length).equals(endLine)) return 0
  const at = lines.indexOf(`\n${endOfRows}\n`)
  return at < 0 ? -1 : at + 1
}

/**
 * Reads a backup once from its beginning to its end, and holds what it says of itself against what is in it. Rejects
 * `record_invalid` for one that is cut off, altered or of another form, `signature_invalid` for one that its market did not
 * sign; by then a reader may have been given rows, and must give them up.
 */
export const readBackup = async (file: string, reader: BackupReader, verifier: Verifier): Promise<ReadBackup> => {
  const whole = createHash('sha256')
  const tables: WrittenTable[] = []
  let header: BackupHeader | undefined
  let record: BackupRecord | undefined
  let open: OpenTable | undefined

  const takeRows = async (lines: Buffer): Promise<Buffer> => {
    if (open === undefined) return lines
    const end = findEnd(lines)
    const rows = end < 0 ? lines : lines.subarray(0, end)
    whole.update(rows)
    open.hash.update(rows)
    open.rows += countLines(rows)
    if (rows.length > 0) await reader.onRows(rows)
    if (end < 0) return Buffer.alloc(0)
    whole.update(endLine)
    await reader.onTableEnd()
    tables.push({ name: open.head.name, rows: open.rows, sha256: toHex(open.hash.digest()) })
    open = undefined
    return lines.subarray(end + endLine.length)
  }

  const takeEnd = (text: string): void => {
    const signed = parse(endSchema, text.slice(endMark.length), file, 'last line')
    const { sha256, tables: written, market, at } = signed.record
    if (header === undefined || market !== header.market || at !== header.at)
      throw refuse(file, 'its last line is of another backup')
    verifier.requireSigner({ chainId: header.chainId, market }, signed, market)
    if (sha256 !== toHex(whole.digest())) throw refuse(file, 'its bytes are not those that were signed')
    const isSame = (table: WrittenTable, index: number): boolean => {
      const found = tables[index]
      return found?.name === table.name && found.rows === table.rows && found.sha256 === table.sha256
    }
    if (written.length !== tables.length || !written.every(isSame))
      throw refuse(file, 'its tables are not those signed')
    record = signed.record
  }

  const takeLine = async (lines: Buffer): Promise<Buffer> => {
    const end = lines.indexOf(newline)
    const line = lines.subarray(0, end + 1)
    if (record !== undefined || line.length > maxHeadBytes)
      throw refuse(file, 'there is something where nothing belongs')
    const text = line.toString('utf8').slice(0, -1)
    if (header !== undefined && text.startsWith(endMark)) takeEnd(text)
    else {
      whole.update(line)
      if (header === undefined) header = parse(headerSchema, text, file, 'first line')
      else if (text.startsWith(tableMark)) {
        const head = parse(tableSchema, text.slice(tableMark.length), file, 'head of a table')
        open = { head, hash: createHash('sha256'), rows: 0 }
        await reader.onTable(head)
      } else throw refuse(file, 'there is something where a table belongs')
    }
    return lines.subarray(end + 1)
  }

  for await (const lines of wholeLines(file)) {
    let left = lines
    while (left.length > 0) left = open === undefined ? await takeLine(left) : await takeRows(left)
  }
  if (header === undefined || record === undefined) throw refuse(file, 'its end is missing')
  return { header, record }
}
