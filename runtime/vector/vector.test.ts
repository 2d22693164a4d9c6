import {
  execSpecDigest,
  pinnedVector,
  publishProgram,
  vectorDigests,
  vectorMismatches,
  vectorProgram,
} from '@muster/graph'
import { afterAll, expect, test } from 'vitest'
import { createRuntimePool } from '../pool/create-runtime-pool.ts'

const pool = createRuntimePool({ processes: 1, memoryBytes: 2 ** 30, taskTimeoutMs: 60_000 })
afterAll(() => pool.close())

const { model, inputs, outputs } = vectorProgram()
const run = async (bytes: Uint8Array, cid: string) =>
  vectorDigests((await pool.run({ program: { cid, model: async () => bytes }, inputs })).outputs)

test('this machine gives the pinned outputs, operator by operator', async () => {
  expect(pinnedVector.execSpec).toBe(execSpecDigest)
  expect(pinnedVector.outputs.map(({ name }) => name)).toEqual(outputs)
  expect(vectorMismatches(await run(model, 'vector'))).toEqual([])
})

test('what the engine computes otherwise is named', async () => {
  const wrong = (await run(model, 'vector')).map((digest, index) =>
    outputs[index] === 'Conv 1x1' ? (`0x${'00'.repeat(32)}` as const) : digest,
  )
  expect(vectorMismatches(wrong)).toEqual(['Conv 1x1'])
  expect(vectorMismatches(wrong.slice(0, 3))).toEqual(outputs.slice(3))
  expect(vectorMismatches([])).toBeNull()
})

test('the vector is a program like any other', () => {
  expect(publishProgram(model).changes).toEqual([])
})
