import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { guardMark } from './guard-mark.ts'

const runGuarded = (memoryBytes: number, parent: 'here' | 'gone') => {
  const script = path.join(import.meta.dirname, '..', 'test', 'run-guarded.ts')
  return spawnSync(process.execPath, [script, String(memoryBytes), parent], { encoding: 'utf8', timeout: 30_000 })
}

test('the guard ends a busy process that holds more memory than it may, and says so', () => {
  const done = runGuarded(1000, 'here')
  expect(done.signal).toBe('SIGKILL')
  expect(done.stderr).toContain(guardMark)
})

test('the guard ends a busy process whose parent is gone', () => {
  const done = runGuarded(2 ** 40, 'gone')
  expect(done.signal).toBe('SIGKILL')
  expect(done.stderr).not.toContain(guardMark)
})
