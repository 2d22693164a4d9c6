import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { workerFlags } from './start-worker.ts'

/** Runs a line of code under the flags of a child of the pool. */
const tryInside = (code: string): string => {
  const done = spawnSync(process.execPath, [...workerFlags, '--input-type=module', '--eval', code], {
    env: {},
    encoding: 'utf8',
  })
  return done.stdout + done.stderr
}

const file = JSON.stringify(path.join(tmpdir(), 'muster-worker-was-here'))

test.each([
  ['read the passwords', `(await import('node:fs')).readFileSync('/etc/passwd')`],
  ['list the root', `(await import('node:fs')).readdirSync('/')`],
  ['write a file', `(await import('node:fs')).writeFileSync(${file}, '')`],
  ['start a process', `(await import('node:child_process')).spawnSync('true')`],
  ['load native code', `process.dlopen({ exports: {} }, '/nowhere.node')`],
])('a child may not %s', (_, code) => {
  expect(tryInside(code)).toMatch(/ERR_ACCESS_DENIED|ERR_DLOPEN_DISABLED/)
})

test('a child sees no environment', () => {
  expect(tryInside('console.log(Object.keys(process.env).length)')).toBe('0\n')
})
