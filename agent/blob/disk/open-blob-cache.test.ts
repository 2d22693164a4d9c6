import { cidOf, systemWorld } from '@muster/protocol'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../../stage/temporary-directory.ts'
import { testBlobCache } from '../blob-cache-compliance.ts'
import { openDiskBlobCache } from './open-blob-cache.ts'

testBlobCache('disk', async (maxBytes) =>
  openDiskBlobCache({ directory: await temporaryDirectory(), maxBytes }, systemWorld),
)

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test('a blob is one file named by its CID, and nothing unfinished is left', async () => {
  const directory = await temporaryDirectory()
  const cache = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  const cid = cidOf(bytes('hello'))
  await cache.put(cid, bytes('hello'))
  await cache.put(cidOf(bytes('x')), bytes('y')).catch(() => {})
  expect((await readdir(directory)).toSorted()).toEqual(['arriving', cid])
  expect(await readdir(path.join(directory, 'arriving'))).toEqual([])
  expect(await readFile(path.join(directory, cid), 'utf8')).toBe('hello')
})

test('a new process finds the blobs of an earlier one and throws away what was arriving', async () => {
  const directory = await temporaryDirectory()
  const first = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  const cid = cidOf(bytes('hello'))
  await first.put(cid, bytes('hello'))
  await mkdir(path.join(directory, 'arriving'), { recursive: true })
  await writeFile(path.join(directory, 'arriving', 'half'), 'hel')
  const next = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  expect(next.bytes()).toBe(5)
  expect(await readdir(path.join(directory, 'arriving'))).toEqual([])
  expect(Buffer.from((await next.read(cid)) ?? []).toString()).toBe('hello')
})

test('a blob that was damaged on disk is not given out but thrown away', async () => {
  const directory = await temporaryDirectory()
  const first = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  const cid = cidOf(bytes('hello'))
  await first.put(cid, bytes('hello'))
  await writeFile(path.join(directory, cid), 'hellO')
  const next = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  expect(next.has(cid)).toBe(true)
  expect(await next.read(cid)).toBeUndefined()
  expect(next.has(cid)).toBe(false)
  await next.put(cid, bytes('hello'))
  expect(Buffer.from((await next.read(cid)) ?? []).toString()).toBe('hello')
})

test('a file that someone removed is missing, not an error', async () => {
  const directory = await temporaryDirectory()
  const cache = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  const cid = cidOf(bytes('hello'))
  await cache.put(cid, bytes('hello'))
  await rm(path.join(directory, cid))
  expect(await cache.read(cid)).toBeUndefined()
})

test('what arrives counts: on disk there is never more than the bound', async () => {
  const directory = await temporaryDirectory()
  const cache = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  const arriving = path.join(directory, 'arriving')
  let most = 0
  const measure = async (): Promise<void> => {
    const files = await readdir(arriving)
    const sizes = await Promise.all(
      files.map((name) =>
        stat(path.join(arriving, name)).then(
          (each) => each.size,
          () => 0,
        ),
      ),
    )
    most = Math.max(most, cache.bytes() + sizes.reduce((sum, size) => sum + size, 0))
  }
  const slowly = async function* (fill: number): AsyncIterable<Uint8Array> {
    for (let at = 0; at < 4; at++) {
      yield new Uint8Array(100).fill(fill)
      await measure()
    }
  }
  const results = await Promise.allSettled(
    Array.from({ length: 20 }, (_, index) => cache.put(cidOf(new Uint8Array(400).fill(index)), slowly(index))),
  )
  expect(most).toBeGreaterThan(400)
  expect(most).toBeLessThanOrEqual(1000)
  expect(results.some(({ status }) => status === 'fulfilled')).toBe(true)
  for (const result of results)
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'disk_full' })
  const last = cidOf(bytes('and then there is room'))
  await cache.put(last, bytes('and then there is room'))
  expect(cache.has(last)).toBe(true)
})

test('nobody else on the machine may read it', async () => {
  const directory = path.join(await temporaryDirectory(), 'blobs')
  await mkdir(directory, { mode: 0o755 })
  const cache = await openDiskBlobCache({ directory, maxBytes: 1000 }, systemWorld)
  const cid = cidOf(bytes('hello'))
  await cache.put(cid, bytes('hello'))
  const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777
  expect(await modeOf(directory)).toBe(0o700)
  expect(await modeOf(path.join(directory, 'arriving'))).toBe(0o700)
  expect(await modeOf(path.join(directory, cid))).toBe(0o600)
})
