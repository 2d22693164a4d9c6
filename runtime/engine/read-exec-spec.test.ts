import { execSpec } from '@muster/graph'
import { expect, test } from 'vitest'
import { readExecSpec } from './read-exec-spec.ts'

test('the installed engine is the pinned one', async () => {
  expect(await readExecSpec()).toEqual(execSpec)
})

test.each([
  ['engineVersion', { engineVersion: '1.17.0' }, '1.30.0'],
  ['engineBinary', { engineBinary: `0x${'00'.repeat(32)}` as typeof execSpec.engineBinary }, execSpec.engineBinary],
])('another %s than the pinned one is refused', async (path, pins, found) => {
  await expect(readExecSpec({ ...execSpec, ...pins })).rejects.toMatchObject({
    code: 'runtime_unpinned',
    fault: 'machine',
    facts: { path, found },
  })
})
