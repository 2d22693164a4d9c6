import { createHash } from 'node:crypto'
import { createReadStream, rmSync, statSync } from 'node:fs'
import { mkdir, open, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { MusterError, cidOfSha256, toHex, type Cid, type World } from '@muster/protocol'
import { blobCorrupt, blobMissing, blobTooLarge } from './blob-errors.ts'
import type { BlobStore } from './blob-store.ts'

const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))

const asMuster = (error: unknown): unknown =>
  hasCode(error, 'ENOSPC', 'EDQUOT')
    ? new MusterError({
        code: 'disk_full',
        message: 'The market’s disk is full; nothing was kept. Try again later.',
        fault: 'market',
        cause: error,
      })
    : error

/** Flushes a folder, so that a name in it outlives a loss of power. */
const flushFolder = async (folder: string, openFile: typeof open): Promise<void> => {
  const handle = await openFile(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems cannot flush a folder; they keep names in order by themselves.
    if (!hasCode(error, 'EINVAL', 'EISDIR', 'EPERM')) throw error
  } finally {
    await handle.close()
  }
}

/**
 * Blobs as files under `directory`, in 1,024 folders by the end of their CID. A blob is written to a temporary file,
 * flushed, and renamed into place once its digest is right, so that a file with a CID for a name is always whole.
 */
export const openDiskBlobs = async (
  directory: string,
  world: World,
  openFile = open,
  /** Tells whoever writes here from others that do: each has what it has begun in a folder of its own. */
  writer = '',
): Promise<BlobStore> => {
  const incoming = path.join(directory, 'incoming', encodeURIComponent(writer))
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  for (const left of await readdir(incoming, { withFileTypes: true }))
    if (left.isFile()) await rm(path.join(incoming, left.name), { force: true })

  const fileOf = (cid: Cid): string => path.join(directory, cid.slice(-3, -1), cid)
  const made = new Set<string>()
  /** Blobs that are being put or renewed: not to be deleted now, whatever their age. */
  const busy = new Map<Cid, number>()

  const whileBusy = async <Result>(cid: Cid, work: () => Promise<Result>): Promise<Result> => {
    busy.set(cid, (busy.get(cid) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = (busy.get(cid) ?? 1) - 1
      if (left === 0) busy.delete(cid)
      else busy.set(cid, left)
    }
  }

  const intoPlace = async (temporary: string, cid: Cid): Promise<void> => {
    const file = fileOf(cid)
    const folder = path.dirname(file)
    if (!made.has(folder)) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      made.add(folder)
    }
    await whileBusy(cid, () => rename(temporary, file))
    await flushFolder(folder, openFile)
  }

  const write = async (
    bytes: AsyncIterable<Uint8Array>,
    onLength: (length: number) => void,
    requireCid: (cid: Cid) => void,
  ): Promise<{ cid: Cid; bytes: number }> => {
    const temporary = path.join(incoming, toHex(world.random(16)).slice(2))
    const hash = createHash('sha256')
    let length = 0
    try {
      const file = await openFile(temporary, 'wx', 0o600)
      try {
        for await (const chunk of bytes) {
          length += chunk.length
          onLength(length)
          hash.update(chunk)
          await file.writeFile(chunk)
        }
        await file.datasync()
      } finally {
        await file.close()
      }
      const cid = cidOfSha256(hash.digest())
      requireCid(cid)
      await intoPlace(temporary, cid)
      return { cid, bytes: length }
    } catch (error) {
      await rm(temporary, { force: true })
      throw asMuster(error)
    }
  }

  const size = async (cid: Cid): Promise<number | undefined> => {
    try {
      return (await stat(fileOf(cid))).size
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  const renew = (cid: Cid): Promise<number | undefined> =>
    whileBusy(cid, async () => {
      const now = new Date(world.now())
      try {
        await utimes(fileOf(cid), now, now)
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return undefined
        throw error
      }
      return size(cid)
    })

  return {
    putBytes: async (bytes) => {
      const cid = cidOfSha256(createHash('sha256').update(bytes).digest())
      if ((await renew(cid)) === bytes.length) return { cid, bytes: bytes.length }
      const once = (async function* () {
        yield bytes
      })()
      return write(
        once,
        () => {},
        () => {},
      )
    },
    putStream: async (cid, bytes, maxBytes) => {
      const requireLength = (length: number) => {
        if (length > maxBytes) throw blobTooLarge(cid, maxBytes)
      }
      const requireCid = (found: Cid) => {
        if (found !== cid) throw blobCorrupt(cid, found)
      }
      const { bytes: length } = await write(bytes, requireLength, requireCid)
      return { bytes: length }
    },
    size,
    renew,
    read: async (cid) => {
      try {
        return await readFile(fileOf(cid))
      } catch (error) {
        throw hasCode(error, 'ENOENT') ? blobMissing(cid) : error
      }
    },
    stream: async (cid, range) => {
      if ((await size(cid)) === undefined) throw blobMissing(cid)
      // Opened at the first byte, so that a stream nobody reads holds no file.
      return (async function* (): AsyncGenerator<Uint8Array> {
        yield* createReadStream(fileOf(cid), range ?? {})
      })()
    },
    remove: async (cid, olderThan) => {
      if (busy.has(cid)) return false
      // In one go, so that no put comes between the look and the deletion.
      const found = statSync(fileOf(cid), { throwIfNoEntry: false })
      if (found !== undefined && found.mtimeMs >= olderThan) return false
      rmSync(fileOf(cid), { force: true })
      return true
    },
  }
}
