import { buildModelBytes, encodeManifest, encodeTensor, publishProgram, type ModelInput } from '@muster/graph'
import { cidOf, MusterError, newId, systemWorld, tenantAccount, type Cid } from '@muster/protocol'
import { describe, expect, test } from 'vitest'
import type { BlobStore } from '../blob/blob-store.ts'
import { createMemoryBlobs } from '../blob/memory-blobs.ts'
import { noopSpec, problemOf, rehearse } from '../rehearsal/rehearse.ts'
import type { Script } from '../rehearsal/script.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createAdmitProgram } from './admit-program.ts'
import { checkModelHere } from './check-model.ts'

const tenant = newId(systemWorld, 'tenant')

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

const script: Script = { run: () => ({ outputs: { y: tensor(3, 2) } }) }

const setUp = async () => {
  const stage = await rehearse()
  const agent = await stage.agent({
    key: 1,
    slots: 2,
    nanoUsd: 10n,
    offer: { price: { nanoUsd: 10n, per: 'operator' } },
    script,
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

test('a claim is paid only where it ran under the program’s exec spec', async () => {
  const { stage, agent, tenant, upload, spec } = await setUp()
  agent.script = { ...script, claim: (claim, sign) => sign({ ...claim, execSpec: '' }) }
  const published = publishProgram(model())
  await upload(published.modelBytes)
  const program = await upload(published.manifestBytes)
  const { id } = await tenant.submit(spec(program, [{ name: 'x', cid: await upload(tensor(3, 2)) }]))
  expect(await stage.closed(tenant, id)).toMatchObject({ outcome: 'failed', charged: '0' })
  const failed = (await tenant.events(id)).find(({ type }) => type === 'failed')
  expect(failed?.tasks?.[0]?.problem).toMatchObject({
    code: 'record_invalid',
    fault: 'provider',
    facts: { field: 'execSpec', expected: published.manifest.execSpec, found: '' },
  })
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

test('a model is checked once, whatever comes of it and however many manifests name it', async () => {
  const memory = createMemoryBlobs()
  const reads: Cid[] = []
  const blobs: BlobStore = {
    ...memory,
    read: (cid) => {
      reads.push(cid)
      return memory.read(cid)
    },
  }
  const admit = createAdmitProgram({ world: createVirtualWorld(), blobs, checkModel: checkModelHere })
  const bad = model({ nodes: [{ op: 'RandomNormalLike', inputs: ['x'], outputs: ['y'] }] })
  const honest = publishProgram(model())
  const [badModel, goodModel] = [await memory.putBytes(bad), await memory.putBytes(honest.modelBytes)]
  const manifests = await Promise.all(
    [badModel, goodModel].flatMap(({ cid, bytes }) =>
      [5, 6, 7].map((operators) =>
        memory.putBytes(encodeManifest({ ...honest.manifest, model: cid, modelBytes: bytes, operators })),
      ),
    ),
  )
  for (const { cid } of [...manifests, ...manifests]) await expect(admit(cid, tenant)).rejects.toThrow()
  const { cid: program } = await memory.putBytes(honest.manifestBytes)
  expect(await admit(program, tenant)).toEqual(honest.manifest)
  expect(reads.filter((cid) => cid === badModel.cid)).toHaveLength(1)
  expect(reads.filter((cid) => cid === goodModel.cid)).toHaveLength(1)
})

test('a model that becomes known later is checked then', async () => {
  const memory = createMemoryBlobs()
  const admit = createAdmitProgram({ world: createVirtualWorld(), blobs: memory, checkModel: checkModelHere })
  const { manifestBytes, modelBytes, manifest } = publishProgram(model())
  const { cid } = await memory.putBytes(manifestBytes)
  await expect(admit(cid, tenant)).rejects.toMatchObject({ code: 'blob_missing' })
  await memory.putBytes(modelBytes)
  expect(await admit(cid, tenant)).toEqual(manifest)
})

test('a model that was too slow to check is not checked again at once, but later', async () => {
  const memory = createMemoryBlobs()
  const world = createVirtualWorld()
  let checks = 0
  const checkModel = async () => {
    checks++
    throw new MusterError({ code: 'program_refused', message: 'Slow.', retry: 'later', retryAfterMs: 1_000 })
  }
  const admit = createAdmitProgram({ world, blobs: memory, checkModel })
  const { manifestBytes, modelBytes } = publishProgram(model())
  await memory.putBytes(modelBytes)
  const { cid } = await memory.putBytes(manifestBytes)
  const asked = () => expect(admit(cid, tenant)).rejects.toMatchObject({ code: 'program_refused' })
  for (const _ of [1, 2, 3]) await asked()
  expect(checks).toBe(1)
  await world.advance(1_001)
  await asked()
  expect(checks).toBe(2)
})

test('one tenant with many new models does not keep the others from theirs', async () => {
  const memory = createMemoryBlobs()
  const gates = new Map<Cid, PromiseWithResolvers<Cid>>()
  const gateOf = (cid: Cid): PromiseWithResolvers<Cid> => {
    const gate = gates.get(cid) ?? Promise.withResolvers<Cid>()
    gates.set(cid, gate)
    return gate
  }
  const admit = createAdmitProgram({
    world: createVirtualWorld(),
    blobs: memory,
    checkModel: (cid) => gateOf(cid).promise,
  })
  const upload = async (count: number) => {
    const nodes = Array.from({ length: count }, (_, at) => ({
      op: 'Relu',
      inputs: [at === 0 ? 'x' : `r${at}`],
      outputs: [at + 1 === count ? 'y' : `r${at + 1}`],
    }))
    const { manifestBytes, modelBytes } = publishProgram(model({ nodes }))
    const { cid: modelCid } = await memory.putBytes(modelBytes)
    const { cid } = await memory.putBytes(manifestBytes)
    return { cid, pass: () => gateOf(modelCid).resolve(cid) }
  }
  const [first, second, third, fourth] = [await upload(1), await upload(2), await upload(3), await upload(4)]
  const [one, two] = [admit(first.cid, tenant), admit(second.cid, tenant)]
  await expect(admit(third.cid, tenant)).rejects.toMatchObject({ code: 'rate_limited', fault: 'tenant' })
  fourth.pass()
  await admit(fourth.cid, newId(systemWorld, 'tenant'))
  first.pass()
  second.pass()
  await Promise.all([one, two])
  third.pass()
  expect(await admit(third.cid, tenant)).toBeDefined()
})
