import { MusterError, orderSchema, toJson, type Issue } from '@muster/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readOrder } from './read-order.ts'

const file = `
apiVersion: muster/v1
program: model.onnx
tasks: { count: 200 }
resources: { cpu: 500m, memory: 2GiB, gpu: 1 }
placement: { regions: [eu] }
maxPrice: 0.0000005 USD per operator
`
const spec = {
  apiVersion: 'muster/v1',
  kind: 'batch',
  name: 'j',
  runtime: 'noop',
  program: null,
  tasks: [{ inputs: [] }],
  slots: 3,
  resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0, gpuCount: 0 },
  maxPrice: { nanoUsd: '7', per: 'task' },
  ceiling: '70',
}
const record = {
  kind: 'order',
  id: 'ord_01K5KRN0M0ABCDEFGHJKMNPQRV',
  market: `0x${'1'.repeat(40)}`,
  tenant: 'tnt_01K5KRN0M0ABCDEFGHJKMNPQRV',
  custody: 'market',
  job: `0x${'2'.repeat(64)}`,
  slots: 5,
  resources: { cpuMilli: 1000, memoryBytes: 1024, diskBytes: 0, gpuCount: 0 },
  runtime: 'graph',
  placement: {},
  award: 'lowest',
  maxPrice: { nanoUsd: '9', per: 'hour' },
  ceiling: '100',
  nonce: `0x${'3'.repeat(32)}`,
  issuedAt: 1,
  expiresAt: 2,
}

const issuesOf = (text: string): readonly Issue[] => {
  try {
    readOrder('order.yaml', text)
  } catch (error) {
    if (error instanceof MusterError) return error.facts['issues'] as Issue[]
    throw error
  }
  return []
}

test('a job file is read with its units and defaults', () => {
  expect(readOrder('order.yaml', file)).toEqual({
    order: {
      tenant: null,
      tenantRegion: null,
      runtime: 'graph',
      unit: 'operator',
      resources: {
        cpuMilli: 500,
        memoryBytes: 2 ** 31,
        diskBytes: 0,
        gpuCount: 1,
        gpu: { vendors: [], models: [], vramBytes: 0, interfaces: [] },
      },
      gpuModels: [],
      maxNanoUsd: 500n,
    },
    slots: 64,
    market: null,
  })
})

test('a job’s spec, and an order with and without its signature', () => {
  expect(readOrder('o', JSON.stringify(spec))).toMatchObject({
    order: { runtime: 'noop', unit: 'task', maxNanoUsd: 7n },
    slots: 3,
  })
  const gpu = { ...spec, resources: { ...spec.resources, gpuCount: 1, gpu: { models: ['h100'] } } }
  expect(readOrder('o', JSON.stringify(gpu)).order.gpuModels).toEqual(['h100'])
  expect(readOrder('o', file.replace('gpu: 1', 'gpu: { models: [h100] }')).order).toMatchObject({
    gpuModels: ['h100'],
    resources: { gpuCount: 1 },
  })
  const whole = { order: { runtime: 'graph', unit: 'hour', tenant: record.tenant }, slots: 5, market: record.market }
  expect(orderSchema.safeParse(record).error).toBeUndefined()
  expect(readOrder('o', JSON.stringify(record))).toMatchObject(whole)
  expect(readOrder('o', toJson({ record, signature: '0x' }))).toMatchObject(whole)
})

test('every mistake is named', () => {
  expect(
    issuesOf('apiVersion: muster/v1\nslots: 0\nresources: { memory: lots }\nmaxPrice: cheap\n').map(({ path }) => path),
  ).toEqual(['slots', 'resources.memory', 'maxPrice'])
  expect(issuesOf(JSON.stringify({ ...record, slots: 0, nonce: 1 })).map(({ path }) => path)).toEqual([
    'slots',
    'nonce',
  ])
  expect(issuesOf('[')).toHaveLength(1)
})

test('whatever the text, it is an order or an error of its own', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(() => readOrder('order.yaml', text)).toThrow(MusterError)
    }),
  )
})
