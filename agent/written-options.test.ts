import { silentLog } from '@muster/protocol'
import { expect, test } from 'vitest'
import { ZodError } from 'zod'
import { compileOptions } from './compile-options.ts'
import { flatPolicy } from './price/price-policy.ts'
import { completeAgentOptions, type WrittenAgentOptions } from './written-options.ts'

const device = { cores: 4, memoryBytes: 2 ** 33, diskBytes: 2 ** 36, gpus: [] }
const compile = (written: WrittenAgentOptions) =>
  compileOptions(
    completeAgentOptions(written),
    { device, markets: [], prices: flatPolicy(new Map()), attestations: [] },
    silentLog,
  )

test('nothing written is a whole agent', () => {
  const options = compile({})
  expect(options).toMatchObject({ chainId: 31_337, region: 'local', owner: null, offerTtlMs: 60_000 })
  expect(options.capacity.cpuMilli).toBe(4000)
  expect(options.slot).toEqual({ cpuMilli: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuCount: 0 })
})

test('text as flags and the environment have it becomes what it means', () => {
  const written = completeAgentOptions({
    marketUrl: 'http://a.example, https://b.example/muster',
    attributes: 'name=attic,tier=home',
    cores: '1.5',
    idleOnly: 'true',
    gpus: 'GPU-1,GPU-2',
  })
  expect(written.marketUrl).toEqual(['http://a.example', 'https://b.example/muster'])
  expect(written.attributes).toEqual({ name: 'attic', tier: 'home' })
  expect(written.cores).toBe(1.5)
  expect(written.idleOnly).toBe(true)
  expect(written.gpus).toEqual(['GPU-1', 'GPU-2'])
})

test('the same as a file has it', () => {
  const written = completeAgentOptions({
    marketUrl: ['http://a.example'],
    attributes: { name: 'attic' },
    idleOnly: false,
  })
  expect(written).toMatchObject({ marketUrl: ['http://a.example'], attributes: { name: 'attic' }, idleOnly: false })
})

test('an owner is watched when told to yield, with a threshold or without', () => {
  expect(compile({ idleOnly: true }).owner).toEqual({ busyShare: 0.1, sampleMs: 2000, busySamples: 3, quietMs: 60_000 })
  expect(compile({ ownerCpuPercent: 40 }).owner?.busyShare).toBe(0.4)
})

test('everything that is wrong is named at once', () => {
  try {
    completeAgentOptions({
      marketUrl: 'ftp://a.example',
      marketAddress: '0x12',
      country: 'Germany',
      cores: '0',
      slotMemoryMib: 100,
      attributes: 'name',
      region: 'EU Central',
    })
    expect.unreachable()
  } catch (error) {
    const paths = error instanceof ZodError ? error.issues.map(({ path }) => String(path[0])) : []
    expect(paths.toSorted()).toEqual([
      'attributes',
      'cores',
      'country',
      'marketAddress',
      'marketUrl',
      'region',
      'slotMemoryMib',
    ])
  }
})

test('an option that does not exist is refused', () => {
  expect(() => completeAgentOptions({ speed: 'high' } as WrittenAgentOptions)).toThrow(ZodError)
})
