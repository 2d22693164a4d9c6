import {
  buildModelBytes,
  decodeTensor,
  encodeManifest,
  encodeTensor,
  execSpecDigest,
  publishProgram,
  type ModelInput,
} from '@muster/graph'
import { attemptId, cidOf, digestOf, newId, systemWorld, type Cid, type NamedBlob } from '@muster/protocol'
import { createRuntimePool, type RuntimePool } from '@muster/runtime'
import { afterEach, describe, expect, test } from 'vitest'
import { missingBlob } from '../../blob/refuse-blob.ts'
import { testWorkload } from '../workload-compliance.ts'
import type { ReadBlob, WorkloadTask } from '../workload.ts'
import { createGraphWorkload } from './create-workload.ts'

const blobs = new Map<Cid, Uint8Array>()
const keep = (bytes: Uint8Array): Cid => {
  const cid = cidOf(bytes)
  blobs.set(cid, bytes)
  return cid
}

const publish = (model: ModelInput): Cid => {
  const { manifestBytes, modelBytes } = publishProgram(buildModelBytes(model))
  keep(modelBytes)
  return keep(manifestBytes)
}

const intList = (name: string) => ({ name, dtype: 'int32', dims: ['n'] }) as const
const ints = (name: string, ...values: number[]): NamedBlob => ({
  name,
  cid: keep(encodeTensor({ dtype: 'int32', dims: [values.length], data: Int32Array.from(values) })),
})

const division = publish({
  nodes: [{ op: 'Div', inputs: ['a', 'b'], outputs: ['quotient'] }],
  inputs: [intList('a'), intList('b')],
  outputs: [intList('quotient')],
})

/** Products of a large matrix with itself, one after another: minutes of work. */
const slow = publish({
  nodes: Array.from({ length: 200 }, (_, index) => ({
    op: 'MatMul',
    inputs: [index === 0 ? 'x' : `x${index}`, 'x'],
    outputs: [index === 199 ? 'y' : `x${index + 1}`],
  })),
  inputs: [{ name: 'x', dtype: 'float32', dims: ['n', 'n'] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: ['n', 'n'] }],
})
const matrix = keep(
  encodeTensor({ dtype: 'float32', dims: [1500, 1500], data: new Float32Array(1500 * 1500).fill(0.5) }),
)

const open = (processes = 2) => createRuntimePool({ processes, memoryBytes: 640 * 2 ** 20, taskTimeoutMs: 60_000 })

testWorkload('graph', {
  open: () => createGraphWorkload({ pool: open() }),
  blobs,
  good: { program: division, inputs: [ints('a', 7, -7, 9), ints('b', 2, 2, 3)] },
  endless: { program: slow, inputs: [{ name: 'x', cid: matrix }] },
})

describe('the graph workload', () => {
  const pools: RuntimePool[] = []
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()))
  })
  const workload = () => {
    const pool = open(1)
    pools.push(pool)
    return createGraphWorkload({ pool })
  }
  const asked: Cid[] = []
  const readBlob: ReadBlob = async (cid) => {
    asked.push(cid)
    const bytes = blobs.get(cid)
    if (bytes === undefined) throw missingBlob(cid)
    return bytes
  }
  const { signal } = new AbortController()
  const task = (program: Cid | null, inputs: readonly NamedBlob[]): WorkloadTask => ({
    attempt: attemptId(newId(systemWorld, 'job'), 0, 1),
    group: 'tnt_1',
    program,
    inputs,
    limits: { timeoutMs: 60_000, memoryBytes: 2 ** 30, cpuMilli: 1000 },
    readBlob,
    log: () => {},
  })

  test('is pinned to the exec spec of this release', () => {
    expect(workload().execSpec).toBe(execSpecDigest)
  })

  test('gives outputs as tensor blobs, and says what it used', async () => {
    const { outputs, cpuMs, peakMemoryBytes } = await workload().run(
      task(division, [ints('a', 8), ints('b', 3)]),
      signal,
    )
    expect(outputs.map(({ name }) => name)).toEqual(['quotient'])
    expect(decodeTensor(outputs[0]?.bytes ?? new Uint8Array())).toMatchObject({
      dtype: 'int32',
      dims: [1],
      data: Int32Array.of(2),
    })
    expect(cpuMs).toBeGreaterThan(0)
    expect(peakMemoryBytes).toBeGreaterThan(10_000_000)
  })

  test('prepares by fetching the manifest and its model, once', async () => {
    const graph = workload()
    asked.length = 0
    await graph.prepare(division, readBlob, signal)
    await graph.prepare(division, readBlob, signal)
    expect(asked).toHaveLength(2)
    expect(asked[0]).toBe(division)
  })

  test('refuses a program published for another exec spec', async () => {
    const { manifest } = publishProgram(
      buildModelBytes({
        nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
        inputs: [intList('x')],
        outputs: [intList('y')],
      }),
    )
    const foreign = keep(encodeManifest({ ...manifest, execSpec: digestOf('another') }))
    await expect(workload().prepare(foreign, readBlob, signal)).rejects.toMatchObject({
      code: 'program_refused',
      facts: { expected: execSpecDigest, found: digestOf('another') },
    })
  })

  test('refuses an attempt without a program, and a program that is none', async () => {
    await expect(workload().prepare(null, readBlob, signal)).rejects.toMatchObject({ code: 'program_refused' })
    await expect(workload().run(task(null, []), signal)).rejects.toMatchObject({ code: 'program_refused' })
    const nonsense = keep(new TextEncoder().encode('not a manifest'))
    await expect(workload().prepare(nonsense, readBlob, signal)).rejects.toMatchObject({ code: 'record_invalid' })
  })

  test('a program whose model is missing passes on what the market says', async () => {
    const { manifest } = publishProgram(
      buildModelBytes({
        nodes: [{ op: 'Abs', inputs: ['x'], outputs: ['y'] }],
        inputs: [intList('x')],
        outputs: [intList('y')],
      }),
    )
    const bare = keep(encodeManifest(manifest))
    await expect(workload().prepare(bare, readBlob, signal)).rejects.toMatchObject({ code: 'blob_missing' })
  })

  test.each([
    [
      'a tensor of the wrong type',
      [{ name: 'a', cid: keep(encodeTensor({ dtype: 'float32', dims: [1], data: Float32Array.of(1) })) }, ints('b', 1)],
    ],
    ['a missing input', [ints('a', 1)]],
    ['an input the program does not have', [ints('a', 1), ints('b', 1), ints('c', 1)]],
    ['the same input twice', [ints('a', 1), ints('a', 1), ints('b', 1)]],
    ['shapes that do not agree', [ints('a', 1, 2), ints('b', 1)]],
    ['bytes that are no tensor', [{ name: 'a', cid: keep(new Uint8Array([1, 2, 3])) }, ints('b', 1)]],
  ])('refuses %s', async (_what, inputs) => {
    await expect(workload().run(task(division, inputs), signal)).rejects.toMatchObject({ code: 'tensor_invalid' })
  })

  test('a program that crashes its process is the program’s fault, and the next one runs', async () => {
    const graph = workload()
    await expect(graph.run(task(division, [ints('a', -(2 ** 31)), ints('b', -1)]), signal)).rejects.toMatchObject({
      code: 'program_crashed',
      fault: 'program',
    })
    await graph.run(task(division, [ints('a', 1), ints('b', 1)]), signal)
  })
})
