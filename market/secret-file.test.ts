import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { systemWorld } from '@muster/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { secretFile } from './secret-file.ts'

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'muster-secret-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))
const random = (count: number) => systemWorld.random(count)

test('a secret is made once, for its owner only, and found again', async () => {
  const file = path.join(directory, 'market.key')
  const secret = await secretFile(file, random)
  expect(secret).toHaveLength(32)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(new Uint8Array(await secretFile(file, random))).toEqual(new Uint8Array(secret))
  expect((await readFile(file, 'utf8')).trim()).toBe(Buffer.from(secret).toString('hex'))
})

test('a secret others may read is closed to them', async () => {
  const file = path.join(directory, 'market.key')
  await secretFile(file, random)
  await chmod(file, 0o644)
  await secretFile(file, random)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('a file that holds no secret is not replaced', async () => {
  const file = path.join(directory, 'market.key')
  await writeFile(file, 'my shopping list')
  await expect(secretFile(file, random)).rejects.toMatchObject({
    code: 'internal',
    message: expect.stringContaining(file),
  })
  expect(await readFile(file, 'utf8')).toBe('my shopping list')
})
