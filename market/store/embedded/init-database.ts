import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { MusterError } from '@muster/protocol'
import type { Binaries } from './find-binaries.ts'
import type { ServerUser } from './server-user.ts'

const run = promisify(execFile)

export const superuser = 'muster'

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  )

const give = async (file: string, { ids }: ServerUser): Promise<void> => {
  if (ids.uid !== undefined && ids.gid !== undefined) await chown(file, ids.uid, ids.gid)
}

/** The password of the server in this directory, made the first time: 32 random bytes, readable by its owner alone. */
const ownPassword = async (file: string): Promise<string> => {
  const kept = await readFile(file, 'utf8').catch(() => '')
  if (kept.trim() !== '') return kept.trim()
  const made = randomBytes(32).toString('hex')
  await writeFile(file, `${made}\n`, { mode: 0o600 })
  await chmod(file, 0o600)
  return made
}

/**
 * The data directory, made with `initdb` the first time and moved into place whole, so that a crash leaves none or a
 * good one. Text sorts by code point, whatever the machine's locale.
 */
export const initDatabase = async (
  directory: string,
  binaries: Binaries,
  user: ServerUser,
): Promise<{ readonly data: string; readonly password: string }> => {
  const data = path.join(directory, 'data')
  const password = await ownPassword(path.join(directory, 'password'))
  if (await exists(path.join(data, 'PG_VERSION'))) return { data, password }
  const fresh = path.join(directory, 'data.new')
  const passwordFile = path.join(directory, 'password.new')
  await rm(fresh, { recursive: true, force: true })
  try {
    await mkdir(fresh, { mode: 0o700 })
    await give(fresh, user)
    await rm(passwordFile, { force: true })
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    await give(passwordFile, user)
    const args = ['--pgdata', fresh, '--username', superuser, '--pwfile', passwordFile, '--auth', 'scram-sha-256']
    const locale = [
      '--encoding',
      'UTF8',
      '--locale',
      'C',
      '--locale-provider',
      'builtin',
      '--builtin-locale',
      'C.UTF-8',
    ]
    await run(binaries.initdb, [...args, ...locale, '--no-instructions'], {
      ...user.ids,
      cwd: directory,
      env: { LC_ALL: 'C', PATH: process.env['PATH'] ?? '' },
    })
    await rename(fresh, data)
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true })
    const found = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause)
    const full = found.includes('No space left on device')
    throw new MusterError({
      code: full ? 'disk_full' : 'unavailable',
      fault: 'machine',
      message: full
        ? 'There is no room for a database here.'
        : 'A database could not be made here; the error says why.',
      facts: { path: directory, found },
      cause,
    })
  } finally {
    await rm(passwordFile, { force: true })
  }
  return { data, password }
}
