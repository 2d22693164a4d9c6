import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  blobs,
  crashing,
  division,
  endless,
  identity,
  ints,
  one,
  outputOf,
  shape,
  source,
  zeros,
} from '../test/programs.ts'
import { isRunning, trackPools, until } from '../test/track-pools.ts'
import type { RuntimePool } from './create-runtime-pool.ts'

const { open, started } = trackPools()

describe('a run that goes wrong harms no other:', () => {
  const still = async (pool: RuntimePool): Promise<void> => {
    expect(outputOf(await pool.run({ program: identity, inputs: one }), 'y')).toMatchObject({ data: [1] })
  }

  test('a program that crashes the engine', async () => {
    const pool = open()
    await expect(pool.run({ program: division, inputs: crashing })).rejects.toMatchObject({
      code: 'program_crashed',
      fault: 'program',
      retry: 'never',
      message: 'The program broke the engine: divide result unrepresentable',
    })
    await still(pool)
    expect(started()).toHaveLength(2)
  })

  test('an operator that fails on its inputs', async () => {
    const pool = open()
    await expect(pool.run({ program: division, inputs: blobs({ a: ints(1), b: ints(0) }) })).rejects.toMatchObject({
      code: 'program_crashed',
      facts: { detail: expect.stringContaining('Integer division by zero') },
    })
    await still(pool)
    expect(started()).toHaveLength(1)
  })

  test('a program that wants more memory than there is', async () => {
    const pool = open()
    await expect(pool.run({ program: zeros, inputs: shape(30_000n, 30_000n) })).rejects.toMatchObject({
      code: 'program_memory',
      fault: 'program',
      message: 'The program needed more memory than its limit of 512 MiB.',
    })
    await still(pool)
  })

  test('a program that runs out of memory where others ran before it is tried once more in a fresh process', async () => {
    const pool = open()
    await still(pool)
    await expect(pool.run({ program: zeros, inputs: shape(30_000n, 30_000n) })).rejects.toMatchObject({
      code: 'program_memory',
    })
    expect(started()).toHaveLength(2)
    await still(pool)
    expect(started()).toHaveLength(3)
  })

  test('a program that never ends', async () => {
    const pool = open()
    await expect(pool.run({ program: endless, inputs: one, limits: { timeoutMs: 200 } })).rejects.toMatchObject({
      code: 'program_timeout',
      fault: 'program',
      facts: { timeoutMs: 200 },
    })
    await until(() => started().every((pid) => !isRunning(pid)))
    await still(pool)
  })

  test('a run that is cancelled while it runs', async () => {
    const pool = open()
    const cancel = new AbortController()
    const run = pool.run({ program: endless, inputs: one, signal: cancel.signal })
    const outcome = expect(run).rejects.toMatchObject({ code: 'cancelled' })
    await sleep(400)
    const [pid] = started()
    expect(isRunning(pid ?? 0)).toBe(true)
    cancel.abort()
    await outcome
    await until(() => !isRunning(pid ?? 0))
    await still(pool)
  })

  test('a run that is cancelled before or while it waits', async () => {
    const pool = open()
    await expect(pool.run({ program: identity, inputs: one, signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    })
    const cancel = new AbortController()
    const first = pool.run({ program: identity, inputs: one })
    const second = pool.run({ program: identity, inputs: one, signal: cancel.signal })
    cancel.abort()
    await expect(second).rejects.toMatchObject({ code: 'cancelled' })
    await first
    await still(pool)
    expect(started()).toHaveLength(1)
  })

  test('a process that is killed from outside', async () => {
    const pool = open()
    const run = pool.run({ program: endless, inputs: one })
    const outcome = expect(run).rejects.toMatchObject({ code: 'workload_failed', fault: 'machine', retry: 'now' })
    await sleep(400)
    process.kill(started()[0] ?? 0, 'SIGKILL')
    await outcome
    await still(pool)
  })

  test.each([
    ['of another extent', blobs({ x: ints(1, 2) }), 'Got invalid dimensions for input: x'],
    [
      'of another rank',
      blobs({ x: { dtype: 'int32', dims: [], data: Int32Array.of(1) } }),
      'Invalid rank for input: x',
    ],
    [
      'of another type',
      blobs({ x: { dtype: 'float32', dims: [1], data: Float32Array.of(1) } }),
      'Unexpected input data type',
    ],
    ['that is missing', blobs({}), 'the input "x" is missing'],
    ['that nobody asked for', blobs({ x: ints(1), z: ints(1) }), 'the program has no input "z"'],
    ['that is no tensor', new Map([['x', Uint8Array.of(1, 2)]]), 'x.length should be at least 8 bytes, found 2 bytes'],
  ])('an input %s', async (_, inputs, detail) => {
    const pool = open()
    const fixed = source('fixed', {
      nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', dtype: 'int32', dims: [1] }],
      outputs: [{ name: 'y', dtype: 'int32', dims: [1] }],
    })
    await expect(pool.run({ program: fixed, inputs })).rejects.toMatchObject({
      code: 'tensor_invalid',
      fault: 'tenant',
      facts: { detail: expect.stringContaining(detail) },
    })
    await still(pool)
    expect(started()).toHaveLength(1)
  })

  test('a file that is no model, one the engine refuses, and one that cannot be fetched', async () => {
    const pool = open()
    const bytes = (model: Uint8Array) => ({ cid: 'x', model: () => Promise.resolve(model) })
    await expect(pool.run({ program: bytes(Uint8Array.of(1, 2, 3)), inputs: one })).rejects.toMatchObject({
      code: 'program_refused',
    })
    await expect(pool.run({ program: bytes(new Uint8Array(0)), inputs: one })).rejects.toMatchObject({
      code: 'program_refused',
    })
    const lost = { cid: 'lost', model: () => Promise.reject(new Error('no such blob')) }
    await expect(pool.run({ program: lost, inputs: one })).rejects.toThrow('no such blob')
    await still(pool)
    expect(started()).toHaveLength(1)
  })

  test('tensors beyond the bounds of the pool', async () => {
    const pool = open({ maxBodyBytes: 1000 })
    const large = blobs({ x: { dtype: 'int32', dims: [1000], data: new Int32Array(1000) } })
    await expect(pool.run({ program: identity, inputs: large })).rejects.toMatchObject({ code: 'tensor_invalid' })
    await expect(pool.run({ program: zeros, inputs: shape(100n, 100n) })).rejects.toMatchObject({
      code: 'program_memory',
    })
    await still(pool)
  })
})

test('processes end with the program that made the pool, even in the middle of a run', async () => {
  const script = path.join(import.meta.dirname, '..', 'test', 'run-endless.ts')
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string]
  const pid = Number(line)
  expect(isRunning(pid)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  await until(() => !isRunning(pid))
})
