import { silentLog, type Log } from '@muster/protocol'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../stage/temporary-directory.ts'
import { compileCapacity } from './compile-capacity.ts'
import { detectDevice } from './detect-device.ts'

const gpu = (uuid: string) => ({ uuid, vendor: 'nvidia', model: 'H200', vramBytes: 1 }) as const
const device = { cores: 8, memoryBytes: 16_000, diskBytes: 11_000, gpus: [gpu('a'), gpu('b')] }
const unsaid = { cores: null, memoryBytes: null, diskBytes: null, gpus: null, cacheBytes: 1000 }

test('unless told otherwise all cores and GPUs are sold, and part of the memory and disk', () => {
  expect(compileCapacity(device, unsaid, silentLog).capacity).toEqual({
    cpuMilli: 8000,
    memoryBytes: 12_000,
    diskBytes: 9000,
    gpus: ['a', 'b'],
  })
})

test('less may be sold', () => {
  const limits = { cores: 1.5, memoryBytes: 100, diskBytes: 5, gpus: ['b'], cacheBytes: 0 }
  const { capacity, gpus } = compileCapacity(device, limits, silentLog)
  expect(capacity).toEqual({ cpuMilli: 1500, memoryBytes: 100, diskBytes: 5, gpus: ['b'] })
  expect(gpus).toEqual([gpu('b')])
})

test('never more than there is, and the log says so', () => {
  const warnings: unknown[] = []
  const log: Log = { ...silentLog, warn: (_message, fields) => void warnings.push(fields) }
  const limits = { cores: 64, memoryBytes: 2 ** 50, diskBytes: 2 ** 50, gpus: ['z'], cacheBytes: 0 }
  expect(compileCapacity(device, limits, log).capacity).toEqual({
    cpuMilli: 8000,
    memoryBytes: 16_000,
    diskBytes: 11_000,
    gpus: [],
  })
  expect(warnings).toHaveLength(4)
})

test('this machine has cores, memory and disk', async () => {
  const directory = await temporaryDirectory()
  const found = await detectDevice({ dataDirectory: directory, nvidiaSmi: '/nowhere/nvidia-smi' }, silentLog)
  expect(found.cores).toBeGreaterThanOrEqual(1)
  expect(found.memoryBytes).toBeGreaterThan(2 ** 27)
  expect(found.memoryBytes).toBeLessThan(2 ** 50)
  expect(found.diskBytes).toBeGreaterThan(0)
  expect(found.gpus).toEqual([])
})
