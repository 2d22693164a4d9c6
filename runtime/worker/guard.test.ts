import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { guardMark } from './guard-mark.ts'

/** A process that is busy for ever, with a guard. */
const runGuarded = (orders: string) => {
  const guard = JSON.stringify(new URL('guard.ts', import.meta.url))
  const code = `
    import { Worker } from 'node:worker_threads'
    const peakKib = new Int32Array(new SharedArrayBuffer(4))
    const guard = new Worker(new URL(${guard}), { workerData: { memoryBytes: Infinity, parent: process.ppid, peakKib, ...${orders} } })
    await new Promise((resolve) => guard.on('online', resolve))
    while (true) {}`
  return spawnSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' })
}

test('the guard ends a busy process that holds more memory than it may, and says so', () => {
  const done = runGuarded('{ memoryBytes: 1000 }')
  expect(done.signal).toBe('SIGKILL')
  expect(done.stderr).toContain(guardMark)
})

test('the guard ends a busy process whose parent is gone', () => {
  const done = runGuarded('{ parent: 0 }')
  expect(done.signal).toBe('SIGKILL')
  expect(done.stderr).not.toContain(guardMark)
})
