import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runRestore } from './run-restore.ts'

let directory: string
const written = { out: '', err: '' }

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'muster-restore-'))
  Object.assign(written, { out: '', err: '' })
  const keep = (to: 'out' | 'err') => (text: string | Uint8Array) => {
    written[to] += String(text)
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(keep('out'))
  vi.spyOn(process.stderr, 'write').mockImplementation(keep('err'))
})
afterEach(async () => {
  vi.restoreAllMocks()
  await rm(directory, { recursive: true, force: true })
})

test('--help says what it takes and exits with 0', async () => {
  expect(await runRestore(['--help'])).toBe(0)
  expect(written.out).toContain('muster market restore FILE')
})

test.each([
  [[], 'Name one backup file'],
  [['a', 'b'], 'Name one backup file'],
  [['a', '--nope'], '--nope'],
])('%j is refused in one sentence', async (args, text) => {
  expect(await runRestore(args)).toBe(2)
  expect(written.err).toContain(text)
  expect(written.out).toBe('')
})

test('a file that is no backup makes nothing, and says so as JSON where that is asked for', async () => {
  const file = path.join(directory, 'x.backup')
  await writeFile(file, 'not a backup')
  const data = path.join(directory, 'data')
  expect(await runRestore([file, '--data-directory', data])).toBe(2)
  expect(written.err).toContain('This file is no whole backup')
  expect(await runRestore([file, '--data-directory', data, '--json'])).toBe(2)
  expect(JSON.parse(written.out)).toMatchObject({ error: { code: 'record_invalid' } })
  expect(await runRestore([path.join(directory, 'missing'), '--data-directory', data])).toBe(2)
  expect(await readdir(directory)).toEqual(['x.backup'])
})
