import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createLog, MusterError, sayWrongCall, systemWorld } from '@muster/protocol'
import { startEmbeddedPostgres } from './store/embedded/start-embedded-postgres.ts'

const usage = `muster market database: a Postgres for several nodes on this machine (docs/guides/several-nodes.md)

  --data-directory DIR   where it lives; its URL, a secret, is in the file url there (default .muster/database)
  --port N               of 127.0.0.1 (default 7650)

It runs until it is stopped with SIGTERM or Ctrl-C. Nodes on several machines need a Postgres of your own.
`

const options = {
  'data-directory': { type: 'string', default: '.muster/database' },
  port: { type: 'string', default: '7650' },
  help: { type: 'boolean', default: false },
} as const

const readFlags = (args: readonly string[]) => {
  const { values } = parseArgs({ args: [...args], options })
  const port = Number(values.port)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return { ...values, port }
  const facts = { expected: 'a whole number from 1 to 65535', found: values.port }
  throw new MusterError({ code: 'request_invalid', message: '--port is not a port.', facts })
}

/** Runs the embedded Postgres on its own, so that more than one node can use it. Resolves to the exit status once it has ended. */
export const runDatabase = async (args: readonly string[]): Promise<number> => {
  let values: ReturnType<typeof readFlags>
  try {
    values = readFlags(args)
  } catch (error) {
    process.stderr.write(sayWrongCall(error, { program: 'muster market database', flags: Object.keys(options) }))
    return 2
  }
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const world = systemWorld
  const log = createLog((line) => process.stdout.write(`${line}\n`), world, 'info')
  const directory = path.resolve(values['data-directory'])
  const ended = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
    if (process.connected) process.once('disconnect', () => resolve())
  })
  try {
    await mkdir(directory, { recursive: true, mode: 0o755 })
    const postgres = await startEmbeddedPostgres(
      { directory: path.join(directory, 'postgres'), port: values.port },
      { world, log },
    )
    const { user, password, host, port, database } = postgres.connection
    const file = path.join(directory, 'url')
    await writeFile(file, `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}\n`, {
      mode: 0o600,
    })
    await chmod(file, 0o600)
    log.info('ready', { port, url: `in ${file}` })
    await ended
    await postgres.stop()
    return 0
  } catch (error) {
    process.stderr.write(`✗ ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
