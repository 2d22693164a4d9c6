import { spawn, type ChildProcess } from 'node:child_process'
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Writable } from 'node:stream'
import { MusterError, sleep, type World } from '@muster/protocol'
import { isRunning, readPidFile, supervisorFile } from './old-server.ts'
import type { Binaries } from './find-binaries.ts'
import type { ServerUser } from './server-user.ts'

export interface ServerPlace {
  readonly data: string
  readonly log: string
  /** Directory of the socket, or `null` where the server listens on a port of 127.0.0.1. */
  readonly socket: string | null
  readonly port: number
}

export interface RunningServer {
  /** Ends the lifeline: a fast shutdown, that waits for no client. Resolves when the server is gone. */
  stop(): Promise<void>
  /** Resolves once it is gone, whatever the reason. */
  readonly gone: Promise<void>
}

// Descriptor 3 is the lifeline: it ends when this program does, however that comes about, and then the server shuts down.
const supervise = `
"$@" 3<&- &
server=$!
{ read -r _ <&3; kill -INT "$server"; } 2>/dev/null &
lifeline=$!
exec 3<&-
wait "$server"
code=$?
kill "$lifeline" 2>/dev/null
exit "$code"
`

const maxLogBytes = 8 * 1024 * 1024

const settingsOf = ({ socket, port }: ServerPlace): Record<string, string> => ({
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  listen_addresses: socket === null ? '127.0.0.1' : '',
  port: String(port),
  unix_socket_directories: socket === null ? '' : `"${socket.replaceAll('"', '""')}"`,
  unix_socket_permissions: '0700',
  max_connections: '64',
  jit: 'off',
  io_method: 'sync',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Refused commits are errors of statements, and no news: the market answers for them.
  log_min_messages: 'log',
  log_statement: 'none',
})

const openLog = async (file: string) => {
  const { size } = await stat(file).catch(() => ({ size: 0 }))
  if (size > maxLogBytes) await rename(file, `${file}.old`)
  return open(file, 'a', 0o600)
}

const lastLines = async (file: string, from: number): Promise<string> => {
  const bytes = await readFile(file).catch(() => Buffer.alloc(0))
  return bytes.subarray(from).toString('utf8').trim().split('\n').slice(-8).join('\n')
}

const failed = (found: string, data: string): MusterError => {
  const full = found.includes('No space left on device')
  return new MusterError({
    code: full ? 'disk_full' : 'unavailable',
    fault: 'machine',
    message: full
      ? 'The disk of the database is full.'
      : 'The embedded Postgres did not start; its last lines say why.',
    facts: { path: data, found },
  })
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })

const startOnce = async (
  place: ServerPlace,
  binaries: Binaries,
  user: ServerUser,
  world: World,
): Promise<RunningServer> => {
  const old = await readPidFile(place.data)
  const log = await openLog(place.log)
  const { size } = await log.stat()
  const settings = Object.entries(settingsOf(place)).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn('/bin/sh', ['-c', supervise, 'sh', binaries.postgres, '-D', place.data, ...settings], {
    ...user.ids,
    cwd: path.dirname(place.data),
    env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', log.fd, log.fd, 'pipe'],
    // A session of its own: Ctrl-C in a terminal reaches the market, which stops its database last.
    detached: true,
  })
  let running = true
  const gone = ended(child).then(() => {
    running = false
  })
  await log.close()
  const lifeline = child.stdio[3] as Writable
  lifeline.on('error', () => {})
  const stop = async (): Promise<void> => {
    const pid = (await readPidFile(place.data))?.pid
    lifeline.end()
    for (let waited = 0; running && waited < 20_000; waited += 20) await Promise.race([gone, sleep(world, 20)])
    if (running && pid !== undefined && isRunning(pid)) process.kill(pid, 'SIGQUIT')
    await gone
  }
  if (child.pid !== undefined) await writeFile(path.join(path.dirname(place.data), supervisorFile), `${child.pid}\n`)
  while (running) {
    const state = await readPidFile(place.data)
    if (state?.status === 'ready' && state.pid !== old?.pid) return { stop, gone }
    await Promise.race([gone, sleep(world, 5)])
  }
  throw failed(await lastLines(place.log, size), place.data)
}

/** Starts the server and resolves once it takes connections. Throws `unavailable` or `disk_full`. */
export const runServer = async (
  place: ServerPlace,
  binaries: Binaries,
  user: ServerUser,
  world: World,
): Promise<RunningServer> => {
  const start = world.elapsed()
  for (;;) {
    try {
      return await startOnce(place, binaries, user, world)
    } catch (error) {
      const found = error instanceof MusterError ? String(error.facts['found']) : ''
      // Processes of a server that was killed take a moment to notice.
      const dying = found.includes('shared memory block') && world.elapsed() - start < 15_000
      if (!dying) throw error
      await sleep(world, 100)
    }
  }
}
