import { cidOfSha256, isCid, toHex, type Cid, type World } from '@muster/protocol'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import type { BlobCache } from '../blob-cache.ts'
import { createCacheIndex } from '../cache-index.ts'
import { corruptBlob, fullCache, missingBlob, oversizedBlob } from '../refuse-blob.ts'

const cidOfBytes = (bytes: Uint8Array): Cid => cidOfSha256(createHash('sha256').update(bytes).digest())

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')

const once = async function* (bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

export interface DiskBlobCacheOptions {
  readonly directory: string
  readonly maxBytes: number
}

/**
 * The blob cache in a directory: one file a blob, named by its CID, written beside and renamed, so that a file is whole
 * or absent. What an earlier process wrote is checked against its CID when it is first read.
 */
export const openDiskBlobCache = async (
  { directory, maxBytes }: DiskBlobCacheOptions,
  world: World,
): Promise<BlobCache> => {
  const arriving = path.join(directory, 'arriving')
  const index = createCacheIndex(maxBytes)
  const unchecked = new Set<Cid>()
  await rm(arriving, { recursive: true, force: true })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  await mkdir(arriving, { mode: 0o700 })

  const found: { readonly cid: Cid; readonly size: number; readonly usedAt: number }[] = []
  for (const name of await readdir(directory)) {
    if (!isCid(name)) continue
    const { size, mtimeMs } = await stat(path.join(directory, name))
    found.push({ cid: name, size, usedAt: mtimeMs })
  }
  for (const { cid, size } of found.toSorted((a, b) => a.usedAt - b.usedAt)) {
    index.add(cid, size)
    unchecked.add(cid)
  }

  const fileOf = (cid: Cid): string => path.join(directory, cid)

  const remove = async (cid: Cid): Promise<void> => {
    index.drop(cid)
    unchecked.delete(cid)
    await rm(fileOf(cid), { force: true })
  }

  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <Result>(action: () => Promise<Result>): Promise<Result> => {
    const result = turn.then(action)
    turn = result.catch(() => {})
    return result
  }

  let arrivals = 0
  const waiting: (() => void)[] = []

  /**
   * Makes room for bytes before they are written. Where blobs that arrive at the same time hold it, waits for one of them
   * to end; the last that would wait for others who wait is refused, so that they go on.
   */
  const hold = async (cid: Cid, bytes: number): Promise<void> => {
    const attempt = async (): Promise<{ readonly ended: Promise<void> } | undefined> => {
      let leaving: Cid[]
      try {
        leaving = index.makeRoom(cid, bytes)
      } catch (error) {
        if (waiting.length >= arrivals - 1) throw error
        return { ended: new Promise((resolve) => waiting.push(resolve)) }
      }
      index.hold(bytes)
      for (const each of leaving) await remove(each)
      return undefined
    }
    for (let wait = await inTurn(attempt); wait !== undefined; wait = await inTurn(attempt)) await wait.ended
  }

  /** Writes the bytes beside, and gives the file and its size once their digest is right. */
  const receive = async (cid: Cid, bytes: AsyncIterable<Uint8Array>): Promise<{ file: string; size: number }> => {
    const file = path.join(arriving, toHex(world.random(16)).slice(2))
    const hash = createHash('sha256')
    let size = 0
    let held = 0
    const handle = await open(file, 'wx', 0o600)
    try {
      for await (const chunk of bytes) {
        size += chunk.length
        if (size > maxBytes) throw oversizedBlob(cid, maxBytes, size)
        await hold(cid, chunk.length)
        held += chunk.length
        hash.update(chunk)
        await handle.writeFile(chunk)
      }
      await handle.close()
      const digest = cidOfSha256(hash.digest())
      if (digest !== cid) throw corruptBlob(cid, digest)
      return { file, size }
    } catch (error) {
      await handle.close().catch(() => {})
      await rm(file, { force: true })
      index.release(held)
      throw isDiskFull(error) ? fullCache(cid, maxBytes, index.bytes(), error) : error
    }
  }

  const place = async (cid: Cid, file: string, size: number): Promise<void> => {
    try {
      if (index.has(cid) && !unchecked.has(cid)) {
        index.touch(cid)
        return await rm(file, { force: true })
      }
      await rename(file, fileOf(cid))
      unchecked.delete(cid)
      index.add(cid, size)
    } catch (error) {
      await rm(file, { force: true })
      throw isDiskFull(error) ? fullCache(cid, maxBytes, index.bytes(), error) : error
    } finally {
      index.release(size)
    }
  }

  const read: BlobCache['read'] = async (cid) => {
    if (!index.has(cid)) return undefined
    index.touch(cid)
    const bytes = await readFile(fileOf(cid)).catch(() => undefined)
    if (bytes === undefined || (unchecked.has(cid) && cidOfBytes(bytes) !== cid)) {
      await remove(cid)
      return undefined
    }
    unchecked.delete(cid)
    return bytes
  }

  return {
    maxBytes,
    bytes: index.bytes,
    has: index.has,
    size: index.size,
    put: async (cid, bytes) => {
      arrivals++
      try {
        const { file, size } = await receive(cid, bytes instanceof Uint8Array ? once(bytes) : bytes)
        await inTurn(() => place(cid, file, size))
      } finally {
        arrivals--
        for (const retry of waiting.splice(0)) retry()
      }
    },
    read,
    stream: async function* (cid) {
      if (unchecked.has(cid)) await read(cid)
      if (!index.has(cid)) throw missingBlob(cid)
      index.touch(cid)
      try {
        yield* createReadStream(fileOf(cid))
      } catch (cause) {
        await remove(cid)
        throw Object.assign(missingBlob(cid), { cause })
      }
    },
    pin: index.pin,
    unpin: index.unpin,
    close: async () => {
      await rm(arriving, { recursive: true, force: true })
    },
  }
}
