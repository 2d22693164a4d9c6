import { addressSchema, hexSchema, timeSchema } from '@muster/protocol'
import { z } from 'zod'

/*
 * A backup is a Zstandard stream of lines:
 *   {header}
 *   @table {name, columns}
 *   rows as COPY writes them in its text format …
 *   \.
 *   … for each table, those that others refer to first …
 *   @end {what was written, signed by the market}
 */

export const tableMark = '@table '
export const endMark = '@end '
/** Ends the rows of a table; no row is like it, since COPY doubles backslashes. */
export const endOfRows = '\\.'

export const sealedKeySchema = z.strictObject({
  kdf: z.literal('scrypt'),
  /** scrypt's cost: bounded, since whoever made the file chose it. */
  cost: z
    .int()
    .min(2 ** 14)
    .max(2 ** 20),
  salt: hexSchema(32),
  iv: hexSchema(12),
  tag: hexSchema(16),
  sealed: hexSchema(32),
})
export type SealedKey = z.output<typeof sealedKeySchema>

/** The keys that names are sealed under are in no other part: they are to be kept for a short time, and the rest for long. */
export const backupParts = ['data', 'keys'] as const
export type BackupPart = (typeof backupParts)[number]

export const headerSchema = z.strictObject({
  format: z.literal('muster-backup'),
  version: z.literal(1),
  part: z.enum(backupParts).default('data'),
  market: addressSchema,
  chainId: z.int().min(1),
  /** Of the program that wrote it. */
  program: z.string(),
  /** The newest migration of the database. */
  migration: z.int().min(1),
  at: timeSchema,
  key: sealedKeySchema.nullable(),
})
export type BackupHeader = z.output<typeof headerSchema>

export const tableSchema = z.strictObject({
  name: z.string().regex(/^[a-z_][a-z0-9_]*$/),
  columns: z.array(z.string().regex(/^[a-z_][a-z0-9_]*$/)).min(1),
})
export type TableHead = z.output<typeof tableSchema>

export const writtenTableSchema = z.strictObject({ name: z.string(), rows: z.int().min(0), sha256: hexSchema(32) })
export type WrittenTable = z.output<typeof writtenTableSchema>

/** What the market signs at the end. */
export const backupRecordSchema = z.strictObject({
  kind: z.literal('backup'),
  market: addressSchema,
  at: timeSchema,
  /** Of every line before the last. */
  sha256: hexSchema(32),
  tables: z.array(writtenTableSchema),
  /** Named by the backup, and not contained. */
  blobs: z.strictObject({ count: z.int().min(0), bytes: z.int().min(0) }),
})
export type BackupRecord = z.output<typeof backupRecordSchema>

export const endSchema = z.strictObject({ record: backupRecordSchema, signature: hexSchema(65) })
