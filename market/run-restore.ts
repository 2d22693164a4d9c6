import path from 'node:path'
import { parseArgs } from 'node:util'
import { createLog, loadSecp256k1, MusterError, sayWrongCall, systemWorld, toJson, toProblem } from '@muster/protocol'
import { restoreBackup, type Restored } from './store/backup/restore-backup.ts'

const usage = `muster market restore FILE: write a backup into an empty data directory (docs/guides/run-a-market.md)

  --data-directory DIR   where the market will live (default .muster/market)
  --keys FILE            the keys that names are sealed under, saved beside each backup; without it names are lost
  --json                 one JSON document

MUSTER_BACKUP_PASSPHRASE opens the market's key, where the backup holds it. MUSTER_MARKET_DATABASE_URL names a Postgres to
use in place of the embedded one.
`

const say = ({ header, record, audit, activeJobs, missingBlobs, key, names }: Restored, directory: string): string => {
  const rows = record.tables.reduce((sum, table) => sum + table.rows, 0)
  const checked = audit.checks.reduce((sum, check) => sum + check.checked, 0)
  const faults = audit.checks.flatMap((check) => check.faults.map(({ message }) => message))
  const keys: Readonly<Record<Restored['key'], string>> = {
    restored: 'restored from the backup',
    there: 'in the data directory already',
    missing: `missing: put market.key of ${header.market} into ${directory} before you start it`,
  }
  return [
    `${audit.ok ? '✓' : '✗'} Restored market ${header.market} as it was at ${new Date(header.at).toISOString()}`,
    `  tables  ${record.tables.length}, ${rows} rows`,
    `  jobs    ${activeJobs} not closed, each read back from its journal`,
    `  ledger  ${audit.ok ? `sound; ${checked} things checked` : `broken: ${faults.join(' ')}`}`,
    `  blobs   ${record.blobs.count} named${missingBlobs === 0 ? ', all there' : `; ${missingBlobs} not in ${path.join(directory, 'blobs')}: copy that folder too`}`,
    `  key     ${keys[key]}`,
    `  names   ${names === 'restored' ? 'with the keys they are sealed under' : 'lost: no file of keys was given'}`,
    '',
  ].join('\n')
}

const options = {
  'data-directory': { type: 'string', default: '.muster/market' },
  keys: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

const wrongFile = (error: unknown): unknown =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'path' in error
    ? new MusterError({ code: 'request_invalid', message: `There is no file ${String(error.path)}.`, cause: error })
    : error

/** `muster market restore`. Gives the exit status: 1 where what was restored does not add up, 2 where nothing was restored. */
export const runRestore = async (args: readonly string[]): Promise<number> => {
  let isJson = false
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options,
    })
    if (values.help === true) {
      process.stdout.write(usage)
      return 0
    }
    isJson = values.json === true
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0)
      throw new MusterError({ code: 'request_invalid', message: 'Name one backup file: muster market restore FILE.' })
    const { MUSTER_BACKUP_PASSPHRASE: passphrase, MUSTER_MARKET_DATABASE_URL: databaseUrl } = process.env
    const directory = path.resolve(values['data-directory'])
    const keysFile = values.keys === undefined ? undefined : path.resolve(values.keys)
    const log = createLog((line) => process.stderr.write(`${line}\n`), systemWorld, 'warn')
    const restored = await restoreBackup(
      { file: path.resolve(file), keysFile, directory, databaseUrl, passphrase },
      { world: systemWorld, secp256k1: await loadSecp256k1(), log },
    )
    process.stdout.write(isJson ? `${toJson(restored)}\n` : say(restored, directory))
    return restored.audit.ok ? 0 : 1
  } catch (caught) {
    const error = wrongFile(caught)
    if (isJson) {
      const message = error instanceof Error ? error.message : String(error)
      const known = error instanceof MusterError ? error : new MusterError({ code: 'request_invalid', message })
      process.stdout.write(`${toJson({ error: toProblem(known) })}\n`)
    } else {
      const call = { program: 'muster market restore', flags: Object.keys(options) }
      process.stderr.write(sayWrongCall(error, call))
    }
    return 2
  }
}
