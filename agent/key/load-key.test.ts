import { systemWorld } from '@muster/protocol'
import { readdir, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { loadKey } from './load-key.ts'

test('a key is made once, for its owner’s eyes only', async () => {
  const directory = await temporaryDirectory()
  const [first, second] = await Promise.all([loadKey(directory, systemWorld), loadKey(directory, systemWorld)])
  expect(first).toHaveLength(32)
  expect(second).toEqual(first)
  expect(await loadKey(directory, systemWorld)).toEqual(first)
  expect(await readdir(directory)).toEqual(['agent.key'])
  expect((await stat(path.join(directory, 'agent.key'))).mode & 0o777).toBe(0o600)
})

test('a file that holds no key is refused without showing what it holds', async () => {
  const directory = await temporaryDirectory()
  await writeFile(path.join(directory, 'agent.key'), 'my password')
  const error: unknown = await loadKey(directory, systemWorld).catch((refused: unknown) => refused)
  expect(error).toMatchObject({ code: 'request_invalid', facts: { file: path.join(directory, 'agent.key') } })
  expect(JSON.stringify(error)).not.toContain('my password')
})
