import { mkdir, mkdtemp, open, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cidOf, systemWorld } from '@muster/protocol'
import { afterEach, expect, test } from 'vitest'
import { describeBlobStore } from './blob-compliance.ts'
import { openDiskBlobs } from './disk-blobs.ts'

const directories: string[] = []
const makeDirectory = async (): Promise<string> => {
  const directory = await mkdtemp(path.join(tmpdir(), 'muster-blobs-'))
  directories.push(directory)
  return directory
}
afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

const filesIn = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)

describeBlobStore('the disk', async () => {
  const directory = await makeDirectory()
  return {
    blobs: await openDiskBlobs(directory, systemWorld),
    now: () => systemWorld.now(),
    reopen: () => openDiskBlobs(directory, systemWorld),
    list: () => filesIn(directory),
    close: async () => {},
  }
})

const hello = new TextEncoder().encode('hello')

test('a full disk is said to be full, nothing is kept, and it works again when there is room', async () => {
  const directory = await makeDirectory()
  let isFull = true
  const openFile: typeof open = async (file, flags, mode) => {
    const handle = await open(file, flags, mode)
    if (!isFull) return handle
    return new Proxy(handle, {
      get: (of, name) => {
        if (name === 'writeFile') return () => Promise.reject(Object.assign(new Error('no space'), { code: 'ENOSPC' }))
        const value: unknown = Reflect.get(of, name)
        return typeof value === 'function' ? value.bind(of) : value
      },
    })
  }
  const blobs = await openDiskBlobs(directory, systemWorld, openFile)
  await expect(blobs.putBytes(hello)).rejects.toMatchObject({ code: 'disk_full', fault: 'market', retry: 'later' })
  expect(await filesIn(directory)).toEqual([])
  isFull = false
  await blobs.putBytes(hello)
  expect(await filesIn(directory)).toEqual([cidOf(hello)])
})

test('what a crash left half-written is cleared away, and files are for their owner only', async () => {
  const directory = await makeDirectory()
  await mkdir(path.join(directory, 'incoming'), { recursive: true })
  await writeFile(path.join(directory, 'incoming', 'half'), 'half a blob')
  const blobs = await openDiskBlobs(directory, systemWorld)
  expect(await filesIn(directory)).toEqual([])
  await blobs.putBytes(hello)
  const [folder] = (await readdir(directory)).filter((name) => name !== 'incoming')
  const file = path.join(directory, folder ?? '', cidOf(hello))
  expect((await stat(file)).mode & 0o077).toBe(0)
})

test('an old blob is renewed when it is put again', async () => {
  const directory = await makeDirectory()
  const blobs = await openDiskBlobs(directory, systemWorld)
  await blobs.putBytes(hello)
  const file = path.join(directory, cidOf(hello).slice(-3, -1), cidOf(hello))
  const age = async () => {
    await utimes(file, new Date(0), new Date(0))
  }
  await age()
  await blobs.putBytes(hello)
  expect(await blobs.remove(cidOf(hello), systemWorld.now() - 60_000)).toBe(false)
  await age()
  await blobs.renew(cidOf(hello))
  expect(await blobs.remove(cidOf(hello), systemWorld.now() - 60_000)).toBe(false)
  await age()
  expect(await blobs.remove(cidOf(hello), systemWorld.now() - 60_000)).toBe(true)
})
