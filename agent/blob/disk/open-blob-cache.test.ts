import { cidOf, systemWorld } from '@muster/protocol'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
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
