import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buildModelBytes } from '@muster/graph'
import { amountSchema, coresSchema, durationSchema, sizeSchema, writtenPriceSchema } from '@muster/protocol'
import { cidOf, encodeTensor, MusterError, prepareProgram, type Issue } from '@muster/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileJob, type CompileOptions } from './compile-job.ts'
import { jobSchemaText } from './job-schema.ts'
import { parseJobFile } from './parse-job-file.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'muster-job-'))
  await writeFile(path.join(directory, 'square.onnx'), model)
  await writeFile(path.join(directory, 'x.tensor'), x)
  await writeFile(
    path.join(directory, 'wide.tensor'),
    encodeTensor({ dtype: 'float32', dims: [3], data: new Float32Array(3) }),
  )
  await writeFile(path.join(directory, 'raw.bin'), Buffer.from(Float32Array.of(3, 4).buffer))
  await writeFile(path.join(directory, 'cut.tensor'), x.subarray(0, x.length - 1))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const model = buildModelBytes({
  inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
  nodes: [{ op: 'Mul', inputs: ['x', 'x'], outputs: ['y'] }],
})
const x = encodeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(3, 4) })

const options = (): CompileOptions => ({
  file: path.join(directory, 'My Squares.yaml'),
  findProgram: () => Promise.resolve(undefined),
})
const graphJob = { apiVersion: 'muster/v1', program: 'square.onnx', maxPrice: '0.0000005 USD per operator' }

const issuesOf = async (value: unknown, given: Partial<CompileOptions> = {}): Promise<readonly Issue[]> => {
  try {
    await compileJob(value, { ...options(), ...given })
  } catch (error) {
    if (error instanceof MusterError && error.code === 'spec_invalid') return error.facts['issues'] as Issue[]
    throw error
  }
  return []
}

describe('a job file', () => {
  test('is completed: name, runtime, slots, resources, ceiling', async () => {
    const { spec, blobs } = await compileJob(
      { ...graphJob, tasks: [{ inputs: { x: 'x.tensor' } }, { inputs: { x: 'x.tensor' } }] },
      options(),
    )
    expect(spec).toMatchObject({
      name: 'my-squares',
      runtime: 'graph',
      program: prepareProgram(model).id,
      slots: 2,
      resources: { cpuMilli: 1000, memoryBytes: 2 ** 29, diskBytes: 0, gpuCount: 0 },
      maxPrice: { nanoUsd: 500n, per: 'operator' },
      ceiling: 1000n,
    })
    expect(spec.tasks).toEqual([{ inputs: [{ name: 'x', cid: cidOf(x) }] }, { inputs: [{ name: 'x', cid: cidOf(x) }] }])
    expect(blobs).toHaveLength(3)
  })

  test('asks for a sealed auction; second price is the default, and no auction stays none', async () => {
    const tasks = { count: 1, inputs: { x: 'x.tensor' } }
    const auctionOf = async (auction: unknown) =>
      (await compileJob({ ...graphJob, tasks, auction }, options())).spec.auction
    expect(await auctionOf({ window: '200ms' })).toEqual({ windowMs: 200, pricing: 'second-price' })
    expect(await auctionOf({ window: '1m', pricing: 'pay-as-bid' })).toEqual({
      windowMs: 60_000,
      pricing: 'pay-as-bid',
    })
    expect((await compileJob({ ...graphJob, tasks }, options())).spec).not.toHaveProperty('auction')
    for (const [auction, where] of [
      [{ window: '19ms' }, 'auction.window'],
      [{ window: '61s' }, 'auction.window'],
      [{ window: 200 }, 'auction.window'],
      [{ window: '200ms', pricing: 'third-price' }, 'auction.pricing'],
      [{ pricing: 'second-price' }, 'auction.window'],
    ] as const)
      expect((await issuesOf({ ...graphJob, tasks, auction })).map((issue) => issue.path)).toEqual([where])
  })

  test('asks for GPUs by number or by kind, for a network, an operator and signatures', async () => {
    const auditor = `0x${'a'.repeat(40)}`
    const compile = async (resources: unknown, placement: unknown = {}) =>
      (
        await compileJob(
          { ...graphJob, tasks: { count: 1, inputs: { x: 'x.tensor' } }, resources, placement },
          options(),
        )
      ).spec
    expect((await compile({ gpu: 2 })).resources).toMatchObject({ gpuCount: 2 })
    expect((await compile({ gpu: { count: 4 } })).resources).not.toHaveProperty('gpu')
    const { resources, placement } = await compile(
      { gpu: { model: ['RTX 4090', 'h100'], vram: '24GB', vendor: 'nvidia' }, network: { down: 500 } },
      { operators: ['acme'], attributes: { tier: 'a' }, signedBy: { anyOf: [auditor] } },
    )
    expect(resources).toMatchObject({
      gpuCount: 1,
      gpu: { vendors: ['nvidia'], models: ['rtx4090', 'h100'], vramBytes: 24e9, interfaces: [] },
      network: { downMbps: 500, upMbps: 0 },
    })
    expect(placement).toMatchObject({ operators: ['acme'], signedBy: { anyOf: [auditor], allOf: [] } })
  })

  test('is refused where a model has its memory or interface in its name', async () => {
    const [issue] = await issuesOf({
      ...graphJob,
      tasks: { count: 1, inputs: { x: 'x.tensor' } },
      resources: { gpu: { model: 'H100 80GB' } },
    })
    expect(issue).toMatchObject({ path: expect.stringContaining('models') })
    expect(JSON.stringify(issue)).toContain('memory')
  })

  test('takes an input as a tensor, raw elements, values or a CID, all the same', async () => {
    const inputs = [
      'x.tensor',
      { file: 'raw.bin', dtype: 'float32', dims: [2] },
      { values: [3, 4], dtype: 'float32' },
      cidOf(x),
    ]
    const { spec } = await compileJob({ ...graphJob, tasks: inputs.map((one) => ({ inputs: { x: one } })) }, options())
    expect(new Set(spec.tasks.map((task) => task.inputs[0]?.cid))).toEqual(new Set([cidOf(x)]))
  })

  test('checks inputs against the program', async () => {
    const tasks = [
      { inputs: { x: 'wide.tensor' } },
      { inputs: { z: 'x.tensor' } },
      { inputs: { x: { values: [1, 2], dtype: 'int32' } } },
    ]
    expect(await issuesOf({ ...graphJob, tasks })).toEqual([
      { path: 'tasks[0].inputs.x.dims[0]', expected: '2', found: '3' },
      { path: 'tasks[1].inputs.x', expected: 'a tensor of float32 [2]', found: 'nothing' },
      { path: 'tasks[1].inputs.z', expected: 'one of x', found: 'z' },
      { path: 'tasks[2].inputs.x.dtype', expected: 'float32', found: 'int32' },
    ])
  })

  test('names every mistake at once, in the text and in the files it names', async () => {
    const issues = await issuesOf({
      apiVersion: 'muster/v1',
      program: 'none.onnx',
      slots: 0,
      colour: 'red',
      tasks: [
        { inputs: { x: 'none.tensor' } },
        { inputs: { x: 'raw.bin' } },
        { inputs: { x: 'cut.tensor' } },
        { inputs: { x: { values: [1.5], dtype: 'int8' } } },
        { inputs: { x: { file: 'raw.bin', dtype: 'float33' } } },
      ],
      resources: { memory: 'lots' },
      maxPrice: 'cheap',
    })
    expect(issues.map(({ path: where }) => where).toSorted()).toEqual([
      'colour',
      'maxPrice',
      'program',
      'resources.memory',
      'slots',
      'tasks[0].inputs.x',
      'tasks[1].inputs.x',
      'tasks[2].inputs.x.length',
      'tasks[3].inputs.x',
      'tasks[4].inputs.x.dtype',
    ])
  })

  test('names a mistake of tasks that are alike once', async () => {
    expect(await issuesOf({ ...graphJob, tasks: { count: 50, inputs: { x: 'wide.tensor' } } })).toHaveLength(1)
  })

  test('makes a task of each file of a pattern, in the order of their numbers', async () => {
    await mkdir(path.join(directory, 'pages'), { recursive: true })
    for (const name of ['10', '9', '100']) {
      const bytes = encodeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(Number(name), 0) })
      await writeFile(path.join(directory, 'pages', `${name}.tensor`), bytes)
    }
    const { spec } = await compileJob({ ...graphJob, tasks: { forEach: { x: 'pages/*.tensor' } } }, options())
    const cids = [9, 10, 100].map((value) =>
      cidOf(encodeTensor({ dtype: 'float32', dims: [2], data: Float32Array.of(value, 0) })),
    )
    expect(spec.tasks.map((task) => task.inputs[0]?.cid)).toEqual(cids)
    expect(await issuesOf({ ...graphJob, tasks: { forEach: { x: 'none/*.tensor' } } })).toMatchObject([
      { path: 'tasks.forEach.x', found: expect.stringContaining('none for none/*.tensor') as string },
    ])
  })

  test('asks for a ceiling only where it cannot be worked out', async () => {
    const { id, manifest } = prepareProgram(model)
    const job = { ...graphJob, program: id, tasks: [{ inputs: { x: cidOf(x) } }] }
    expect(await issuesOf(job)).toMatchObject([{ path: 'ceiling', found: 'nothing' }])
    expect(await issuesOf(job, { findProgram: () => Promise.resolve(manifest) })).toEqual([])
    expect(await issuesOf({ ...job, ceiling: '0.01 USD' })).toEqual([])
  })

  test('says why a model cannot be a program', async () => {
    await writeFile(path.join(directory, 'text.onnx'), 'not a model')
    const [issue] = await issuesOf({ ...graphJob, program: 'text.onnx', tasks: [{}] })
    expect(issue).toMatchObject({ path: 'program', expected: 'a model that can be a program' })
  })

  test('that is not YAML is refused with line and column', async () => {
    const file = path.join(directory, 'broken.yaml')
    await writeFile(file, 'a: [1,\nb: }\n')
    await expect(parseJobFile(file)).rejects.toMatchObject({
      code: 'spec_invalid',
      facts: { issues: [{ path: 'line 2, column 1' }, {}] },
    })
  })
})

describe('units', () => {
  const parse = (
    schema:
      | typeof sizeSchema
      | typeof coresSchema
      | typeof durationSchema
      | typeof amountSchema
      | typeof writtenPriceSchema,
    value: unknown,
  ): unknown => {
    const parsed = schema.safeParse(value)
    return parsed.success ? parsed.data : undefined
  }

  test.each([
    [sizeSchema, '1GiB', 2 ** 30],
    [sizeSchema, '512 MB', 512_000_000],
    [sizeSchema, '1.5KiB', 1536],
    [sizeSchema, 7, 7],
    [sizeSchema, '1G', undefined],
    [sizeSchema, '-1GiB', undefined],
    [sizeSchema, '1gib', undefined],
    [coresSchema, 1, 1000],
    [coresSchema, '0.5', 500],
    [coresSchema, '250m', 250],
    [coresSchema, '0.0005', undefined],
    [durationSchema, '10m', 600_000],
    [durationSchema, '250ms', 250],
    [durationSchema, '10', undefined],
    [amountSchema, '1.50 USD', 1_500_000_000n],
    [amountSchema, '$0.000000001', 1n],
    [amountSchema, 2, 2_000_000_000n],
    [amountSchema, 5e-7, 500n],
    [amountSchema, 1e-10, undefined],
    [amountSchema, '-1', undefined],
    [amountSchema, '1,50', undefined],
    [writtenPriceSchema, '0.0000005 USD per operator', { nanoUsd: 500n, per: 'operator' }],
    [writtenPriceSchema, '$0.01/task', { nanoUsd: 10_000_000n, per: 'task' }],
    [writtenPriceSchema, { usd: 1, per: 'hour' }, { nanoUsd: 1_000_000_000n, per: 'hour' }],
    [writtenPriceSchema, '1 per second', undefined],
    [writtenPriceSchema, '1', undefined],
  ] as const)('%#: %j', (schema, written, expected) => {
    expect(parse(schema, written)).toEqual(expected)
  })
})

test('docs/spec/job.schema.json is the schema of this release; `node run.mjs cli/job-file/write-schema.ts` writes it', async () => {
  const published = await readFile(path.join(import.meta.dirname, '../../docs/spec/job.schema.json'), 'utf8')
  expect(published).toBe(jobSchemaText())
})
