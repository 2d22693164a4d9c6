import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { MusterError } from '@muster/protocol'

/** Whom Postgres runs as. It refuses to run as root, so root gives it a user of its own. */
export interface ServerUser {
  readonly name: string
  /** Empty where it is the user of this process. */
  readonly ids: { readonly uid?: number; readonly gid?: number }
}

const run = promisify(execFile)
const ownName = 'muster-postgres'

const idsOf = async (name: string): Promise<{ uid: number; gid: number } | undefined> => {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
    const ids = { uid: Number(uid.stdout), gid: Number(gid.stdout) }
    return ids.uid > 0 ? ids : undefined
  } catch {
    return undefined
  }
}

const makers: readonly (readonly [string, readonly string[]])[] = [
  [
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/bin/false', ownName],
  ],
  ['adduser', ['-S', '-D', '-H', '-h', '/nonexistent', '-s', '/bin/false', ownName]],
]

const create = async (): Promise<{ uid: number; gid: number } | undefined> => {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
  for (const [command, args] of makers) {
    try {
      await run(command, [...args], { env })
    } catch {
      // Two starts at once may both try; whichever lost finds the user below.
    }
    const ids = await idsOf(ownName)
    if (ids !== undefined) return ids
  }
  return undefined
}

/** The user of this process; for root a system user `muster-postgres`, made where it is missing. Throws `unavailable`. */
export const serverUser = async (): Promise<ServerUser> => {
  if (process.getuid?.() !== 0) return { name: process.env['USER'] ?? 'this user', ids: {} }
  const own = (await idsOf(ownName)) ?? (await create())
  if (own !== undefined) return { name: ownName, ids: own }
  const usual = await idsOf('postgres')
  if (usual !== undefined) return { name: 'postgres', ids: usual }
  throw new MusterError({
    code: 'unavailable',
    fault: 'machine',
    retry: 'never',
    message:
      'Postgres does not run as root and no user could be made for it: make a system user muster-postgres, start as an ordinary user, or give the URL of a Postgres.',
    facts: { expected: `a user ${ownName}`, tried: makers.map(([command]) => command) },
  })
}
