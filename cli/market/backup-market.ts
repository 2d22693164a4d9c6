import { open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { MusterError } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatBytes } from '../format/format-bytes.ts'
import { connectAdmin } from './admin-call.ts'

export interface BackupOptions {
  readonly withKey?: boolean
  readonly reason?: string
}

const passphraseName = 'MUSTER_BACKUP_PASSPHRASE'

/** The file: the one that is named, or one named for the time in the directory that is. */
const fileOf = async (target: string, now: number): Promise<string> => {
  const found = await stat(target).catch(() => undefined)
  if (found?.isDirectory() === true) {
    const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    return path.join(target, `muster-${time}.backup`)
  }
  if (found === undefined) return target
  throw new MusterError({
    code: 'request_invalid',
    message: `There is a file ${target} already; a backup never replaces one.`,
    facts: { file: target },
  })
}

const passphraseOf = ({ env }: Session): string => {
  const passphrase = env[passphraseName] ?? ''
  if (passphrase.length >= 12) return passphrase
  throw new MusterError({
    code: 'request_invalid',
    message: `The market’s key goes into a backup under a passphrase of at least 12 characters: set ${passphraseName}.`,
    facts: { expected: 'at least 12 characters', found: passphrase === '' ? 'none' : `${passphrase.length}` },
  })
}

const save = async (chunks: AsyncIterable<Uint8Array>, file: string): Promise<number> => {
  const partial = `${file}.partial`
  const handle = await open(partial, 'wx', 0o600)
  try {
    let bytes = 0
    for await (const chunk of chunks) {
      bytes += chunk.length
      await handle.writeFile(chunk)
    }
    await handle.sync()
    await handle.close()
    await rename(partial, file)
    return bytes
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(partial, { force: true })
    throw error
  }
}

/** `muster market backup`: a file that others cannot read; where the market breaks off there is none. */
export const backupMarket = async (
  session: Session,
  target: string,
  { withKey = false, reason }: BackupOptions,
): Promise<number> => {
  const file = await fileOf(path.resolve(session.directory, target), session.now())
  const passphrase = withKey ? { passphrase: passphraseOf(session) } : {}
  const muster = await connectAdmin(session)
  const why = reason === undefined ? {} : { reason }
  const body = { withKey, ...passphrase, ...why }
  const keysFile = `${file}.keys`
  const given = { signal: session.signal }
  const bytes = await save(await muster.call('backup', { body }, given), file)
  // After the data, so that no name in it lacks its key.
  try {
    await save(await muster.call('backup', { body: { ...why, part: 'keys' } }, given), keysFile)
  } catch (error) {
    await rm(file)
    throw error
  }
  session.print({ file, keysFile, bytes, withKey }, () => {
    const { style } = session
    const key = withKey
      ? 'the market’s key is in it, under your passphrase'
      : style.yellow('the market’s key is not in it: keep market.key apart')
    return `${style.green('✓')} ${file}, ${formatBytes(bytes)}; ${key}.\n  Blobs are named in it and not contained: copy the folder blobs/ of the data directory after it.\n  The keys that names are sealed under are in ${keysFile}: replace the older ones by it, so that what is erased stays erased.\n`
  })
  return exitCodes.ok
}
