import { buildModelBytes, publishProgram } from '@muster/graph'
import { cidOf, silentLog, type Address, type Cid, type Job } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createMemoryBlobs } from '../blob/memory-blobs.ts'
import { benchmarkProgram } from '../benchmark/benchmark-desk.ts'
import { createVirtualWorld } from '../rehearsal/virtual-world.ts'
import { createMemoryStore } from '../store/memory/create-memory-store.ts'
import { createProviderRecords } from './provider-records.ts'
import { createTransferTimes } from './transfer-times.ts'

const [fast, slow, unknown] = ['1', '2', '3'].map((digit) => `0x${digit.repeat(40)}` as Address) as [
  Address,
  Address,
  Address,
]
const downMbps = new Map([
  [fast, 1000],
  [slow, 10],
])

const setTimes = () => {
  const held = new Map<Cid, Uint8Array>()
  const keep = (bytes: Uint8Array): Cid => {
    const cid = cidOf(bytes)
    held.set(cid, bytes)
    return cid
  }
  const times = createTransferTimes({
    blobs: createMemoryBlobs(held),
    downMbpsOf: (provider) => downMbps.get(provider),
    log: silentLog,
  })
  return { times, keep }
}

const jobOf = (program: Cid | null, inputs: readonly Cid[], slots = 1): Job =>
  ({ spec: { program, slots, tasks: inputs.map((cid) => ({ inputs: [{ name: 'x', cid }] })) } }) as unknown as Job

test('a unit moves its inputs, and its share of the program where the provider has not got it', async () => {
  const { times, keep } = setTimes()
  const inputs = [1, 2, 3, 4].map((fill) => keep(new Uint8Array(1_000_000).fill(fill)))
  const { manifestBytes, modelBytes } = publishProgram(
    buildModelBytes({
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', dtype: 'int32', dims: ['n'] }],
      outputs: [{ name: 'y', dtype: 'int32', dims: ['n'] }],
    }),
  )
  keep(modelBytes)
  const program = keep(manifestBytes)
  const job = jobOf(program, inputs, 2)
  const held = await times.of(job, () => true)
  expect([fast, slow, unknown].map(held)).toEqual([8, 800, 80])
  const share = (manifestBytes.length + modelBytes.length) / 2
  const all = await times.of(job, (provider) => provider === fast)
  expect(all(fast)).toBe(8)
  expect(all(slow)).toBeCloseTo(800 + (share * 8) / 10_000, 9)
})

test('what has no bytes takes no time, and what cannot be read counts nothing', async () => {
  const { times } = setTimes()
  const nothing = await times.of(jobOf(null, []), () => false)
  expect(nothing(slow)).toBe(0)
  const missing = await times.of(jobOf(cidOf(new Uint8Array(9)), []), () => false)
  expect(missing(slow)).toBe(0)
})

test('what is expected of a provider has the time its bytes take, less what it has since it ran the program', async () => {
  const records = createProviderRecords({
    world: createVirtualWorld(),
    store: createMemoryStore(),
    transfers: { of: async (_, hasProgram) => (provider) => (hasProgram(provider) ? 1 : 2) },
    log: silentLog,
  })
  const job = jobOf(cidOf(new Uint8Array(9)), [])
  const seen = {
    honoured: 1,
    refused: 0,
    exposureMs: 1,
    outages: 0,
    succeeded: 1,
    failed: 0,
    matched: 0,
    mismatched: 0,
  }
  const times = { durationMs: 10, startMs: null }
  records.add({ id: 'l', provider: fast, at: 1, program: job.spec.program ?? '', ...seen, ...times })
  const expected = await records.expect([fast, slow], job)
  expect([fast, slow].map((provider) => expected(provider).transferMs)).toEqual([1, 2])
  expect((await records.expect([fast]))(fast)).not.toHaveProperty('transferMs')
  await records.flush()
})

test('a benchmark does not count as a lease when a market looks for what it has not observed yet', async () => {
  const records = createProviderRecords({ world: createVirtualWorld(), store: createMemoryStore(), log: silentLog })
  const seen = {
    honoured: 0,
    refused: 0,
    exposureMs: 0,
    outages: 0,
    succeeded: 0,
    failed: 0,
    matched: 0,
    mismatched: 0,
  }
  const times = { durationMs: 10, startMs: null }
  records.add({ id: 'lease', provider: fast, at: 5, program: 'noop', ...seen, ...times })
  records.add({ id: 'benchmark.1', provider: fast, at: 9, program: benchmarkProgram, ...seen, ...times })
  await records.flush()
  expect(await records.recall()).toBe(5)
})
