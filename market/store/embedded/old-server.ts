import { execFile, spawnSync } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { MusterError, sleep, type World } from '@muster/protocol'

const run = promisify(execFile)

/** Holds the process id of the program between a market and its server, whose end ends the server. */
export const supervisorFile = 'supervisor.pid'

interface PidFile {
  readonly pid: number
  readonly status: string
}

/** What `postmaster.pid` says, if there is one. */
export const readPidFile = async (data: string): Promise<PidFile | undefined> => {
  const text = await readFile(path.join(data, 'postmaster.pid'), 'utf8').catch(() => undefined)
  const lines = text?.split('\n')
  const pid = Number(lines?.[0])
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, status: lines?.[7]?.trim() ?? '' } : undefined
}

export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const processOf = async (pid: number): Promise<{ parent: number; command: string } | undefined> => {
  try {
    if (process.platform === 'linux') {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return state === 'Z' ? undefined : { parent: Number(parent), command: command.replaceAll('\0', ' ') }
    }
    const { stdout } = await run('ps', ['-o', 'ppid=,command=', '-p', String(pid)])
    const match = /^\s*(\d+)\s+(.*)$/m.exec(stdout)
    return match === null ? undefined : { parent: Number(match[1]), command: match[2] ?? '' }
  } catch {
    return undefined
  }
}

const inUse = (data: string, pid: number): MusterError =>
  new MusterError({
    code: 'unavailable',
    fault: 'machine',
    message: 'Another market is running on this data directory; stop it first, or choose another directory.',
    facts: { path: data, pid },
  })

/** An id that no process has, for a lock file whose id went to somebody else. */
const deadPid = (): number => spawnSync('/bin/sh', ['-c', 'exit 0']).pid

const waitForEnd = async (world: World, pid: number, limitMs: number): Promise<boolean> => {
  const start = world.elapsed()
  while (isRunning(pid)) {
    if (world.elapsed() - start > limitMs) return false
    await sleep(world, 20)
  }
  return true
}

const stopOrphan = async (world: World, pid: number): Promise<void> => {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (isRunning(pid)) process.kill(pid, signal)
    if (await waitForEnd(world, pid, 10_000)) return
  }
}

/**
 * Deals with the server that an earlier market left in this directory. One that is shutting down is waited for; one
 * whose supervisor is gone is stopped; one that another market is using makes this throw `unavailable`. A lock file whose
 * process id was given to another program is pointed at no process: the file itself stays, since Postgres finds in it
 * the shared memory it must see free before it starts. The socket is nobody's then, and goes.
 */
export const clearOldServer = async (directory: string, world: World): Promise<void> => {
  const data = path.join(directory, 'data')
  const old = await readPidFile(data)
  if (old !== undefined && isRunning(old.pid)) {
    const found = await processOf(old.pid)
    const supervisor = Number(await readFile(path.join(directory, supervisorFile), 'utf8').catch(() => '0'))
    if (found === undefined || !found.command.includes(data)) {
      const file = path.join(data, 'postmaster.pid')
      await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(deadPid())))
    } else if (found.parent !== supervisor) {
      await stopOrphan(world, old.pid)
    } else if (!(await waitForEnd(world, old.pid, 5_000))) {
      throw inUse(data, old.pid)
    }
  }
  for (const file of await readdir(path.join(directory, 'socket')).catch((): string[] => [])) {
    await rm(path.join(directory, 'socket', file), { force: true })
  }
}
