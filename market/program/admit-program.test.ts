import { buildModelBytes, encodeManifest, encodeTensor, publishProgram, type ModelInput } from '@muster/graph'
import { cidOf, tenantAccount, type Cid } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import { noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'

const model = (change: Partial<ModelInput> = {}): Uint8Array =>
  buildModelBytes({
    nodes: [
      { op: 'Relu', inputs: ['x'], outputs: ['r'] },
      { op: 'Neg', inputs: ['r'], outputs: ['y'] },
    ],
    inputs: [{ name: 'x', dtype: 'float32', dims: ['n', 2] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: ['n', 2] }],
    ...change,
  })

const tensor = (...dims: number[]): Uint8Array =>
  encodeTensor({ dtype: 'float32', dims, data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)) })

const setUp = async () => {
  const stage = await rehearse()
  const agent = await stage.agent({
    key: 1,
    slots: 2,
    nanoUsd: 10n,
    offer: { price: { nanoUsd: 10n, per: 'operator' } },
  })
  const tenant = await stage.tenant(100_000n)
  const upload = async (bytes: Uint8Array): Promise<Cid> => {
    expect((await tenant.upload(cidOf(bytes), bytes)).status).toBe(201)
    return cidOf(bytes)
  }
  const spec = (program: string, ...inputs: (readonly { name: string; cid: string }[])[]) =>
    noopSpec(1, {
      runtime: 'graph',
      program,
      tasks: inputs.map((each) => ({ inputs: each })),
      maxPrice: { nanoUsd: '10', per: 'operator' },
      ceiling: '10000',
    })
  const refused = async (body: Record<string, unknown>) => {
    const problem = await problemOf(await tenant.request('POST', '/v1/jobs', { spec: body }))
    expect(await stage.balance(tenantAccount(tenant.id))).toBe(100_000n)
    expect(await stage.store().jobs.list({ tenant: tenant.id, limit: 5 })).toEqual([])
    return problem
  }
  return { stage, agent, tenant, upload, spec, refused }
}

test('a program is admitted, its operators counted, and its tasks sold by them', async () => {
  const { stage, tenant, upload, spec } = await setUp()
  const published = publishProgram(model())
  await upload(published.modelBytes)
  const program = await upload(published.manifestBytes)
  const cid = await upload(tensor(3, 2))
  const { id } = await tenant.submit(spec(program, [{ name: 'x', cid }], [{ name: 'x', cid }]))
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'succeeded', charged: '40' })
  await stage.audit(id)
})

describe('a program is refused', () => {
  test('whose manifest lies about its operators', async () => {
    const { upload, spec, refused } = await setUp()
    const published = publishProgram(model())
    await upload(published.modelBytes)
    const program = await upload(encodeManifest({ ...published.manifest, operators: 1 }))
    expect(await refused(spec(program, [{ name: 'x', cid: await upload(tensor(1, 2)) }]))).toMatchObject({
      status: 422,
      code: 'program_refused',
      facts: { program, expected: published.id },
    })
  })

  test('whose model has a forbidden operator, which is named', async () => {
    const { upload, spec, refused } = await setUp()
    const bytes = model({ nodes: [{ op: 'RandomNormalLike', inputs: ['x'], outputs: ['y'], name: 'dice' }] })
    const manifest = { ...publishProgram(model()).manifest, model: await upload(bytes), modelBytes: bytes.length }
    const program = await upload(encodeManifest(manifest))
    const problem = await refused(spec(program, [{ name: 'x', cid: await upload(tensor(1, 2)) }]))
    expect(problem).toMatchObject({ status: 422, code: 'program_refused' })
    expect(problem.message).toContain('RandomNormalLike')
  })

  test('that is no program', async () => {
    const { upload, spec, refused } = await setUp()
    const cid = await upload(tensor(1, 2))
    expect(await refused(spec(cid, [{ name: 'x', cid }]))).toMatchObject({ status: 422, code: 'program_refused' })
  })

  test('whose model was not uploaded', async () => {
    const { upload, spec, refused } = await setUp()
    const published = publishProgram(model())
    const program = await upload(published.manifestBytes)
    const cid = await upload(tensor(1, 2))
    const problem = await refused(spec(program, [{ name: 'x', cid }]))
    expect(problem).toMatchObject({ status: 404, code: 'blob_missing' })
    expect(JSON.stringify(problem.facts)).toContain(published.manifest.model)
  })

  test('that was not uploaded', async () => {
    const { upload, spec, refused } = await setUp()
    const cid = await upload(tensor(1, 2))
    const program = cidOf(new Uint8Array(3))
    expect(await refused(spec(program, [{ name: 'x', cid }]))).toMatchObject({ code: 'blob_missing' })
  })
})

test('inputs of the wrong shape or type, missing or too many, are all named at once', async () => {
  const { upload, spec, refused } = await setUp()
  const published = publishProgram(model())
  await upload(published.modelBytes)
  const program = await upload(published.manifestBytes)
  const good = await upload(tensor(1, 2))
  const wide = await upload(tensor(1, 3))
  const flat = await upload(tensor(2))
  const text = await upload(new TextEncoder().encode('not a tensor'))
  const problem = await refused(
    spec(
      program,
      [{ name: 'x', cid: good }],
      [{ name: 'x', cid: wide }],
      [{ name: 'x', cid: flat }],
      [{ name: 'x', cid: text }],
      [{ name: 'z', cid: good }],
    ),
  )
  expect(problem).toMatchObject({ status: 400, code: 'spec_invalid' })
  const issues = problem.facts['issues'] as { path: string; expected: string; found: string }[]
  expect(issues.map(({ path }) => path)).toEqual([
    'spec.tasks[1].inputs.x.dims[1]',
    'spec.tasks[2].inputs.x.dims',
    'spec.tasks[3].inputs[0]',
    'spec.tasks[4].inputs.x',
    'spec.tasks[4].inputs.z',
  ])
  expect(issues[0]).toMatchObject({ expected: '2', found: '3' })
  expect(problem.message).toContain('Nothing was charged')
})
