import { chmod, chown, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { MusterError } from '@muster/protocol'
import type { ServerUser } from './server-user.ts'

const ancestors = (directory: string): string[] => {
  const parent = path.dirname(directory)
  return parent === directory ? [directory] : [...ancestors(parent), directory]
}

/**
 * Lets the server's user pass through every directory down to this one; passing is all it may do there.
 * A directory that only root may enter is given to the user's group with the bit for passing (0700 becomes 0710), which
 * opens it to nobody else; their paths are returned. Throws `unavailable` where that is not root's to give.
 */
export const makeReachable = async (directory: string, { name, ids }: ServerUser): Promise<string[]> => {
  const { uid, gid } = ids
  if (uid === undefined || gid === undefined) return []
  const opened: string[] = []
  for (const each of ancestors(await realpath(directory))) {
    const found = await stat(each)
    const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001
    if ((found.mode & bit) !== 0) continue
    if (found.uid !== 0 || (found.mode & 0o077) !== 0) {
      throw new MusterError({
        code: 'unavailable',
        fault: 'machine',
        retry: 'never',
        message: `Started by root, Postgres runs as ${name}, and that user cannot pass through ${each}: start as the owner of that directory, choose a place outside it, or run chmod o+x on it.`,
        facts: { path: each, expected: `a directory ${name} can pass`, found: (found.mode & 0o777).toString(8) },
      })
    }
    await chown(each, 0, gid)
    await chmod(each, (found.mode & 0o7777) | 0o010)
    opened.push(each)
  }
  return opened
}
