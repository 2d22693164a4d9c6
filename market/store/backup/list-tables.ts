import type { ReservedSql } from 'postgres'
import type { Sql } from '../postgres/connection.ts'
import type { BackupPart, TableHead } from './backup-format.ts'

/** Tables that are of one process or of the schema, and no data. */
const left = ['migration', 'node', 'writer']

const keyTables = ['personal_key']

/** Whether a table belongs to this part of a backup. */
export const isOfPart = ({ name }: Pick<TableHead, 'name'>, part: BackupPart): boolean =>
  keyTables.includes(name) === (part === 'keys')

interface Row {
  readonly name: string
  readonly columns: readonly string[]
  readonly refers: readonly string[]
}

/** The tables with data, those that others refer to first, each with the columns that are stored. */
export const listTables = async (sql: Sql | ReservedSql): Promise<readonly TableHead[]> => {
  const rows = await sql<Row[]>`
    SELECT c.relname AS name,
      to_json(ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum)) AS columns,
      to_json(ARRAY(SELECT f.relname::text FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
        WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid)) AS refers
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname`
  const waiting = new Map(rows.filter(({ name }) => !left.includes(name)).map((row) => [row.name, row]))
  const ordered: TableHead[] = []
  while (waiting.size > 0) {
    const ready = [...waiting.values()].filter(({ refers }) => refers.every((name) => !waiting.has(name)))
    if (ready.length === 0) throw new Error(`tables refer to each other in a circle: ${[...waiting.keys()].join(', ')}`)
    for (const { name, columns } of ready) {
      waiting.delete(name)
      ordered.push({ name, columns: [...columns] })
    }
  }
  return ordered
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** The table as COPY names it. */
export const copyTarget = ({ name, columns }: TableHead): string => `${quote(name)} (${columns.map(quote).join(', ')})`
