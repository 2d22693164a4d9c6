import { expect, test } from 'vitest'
import type { Gpu } from './resources.ts'
import { slotKindOf, slotKindSchema, soldSlotOf } from './slot-kind.ts'

const gpu = (uuid: string, model: string): Gpu => ({ uuid, vendor: 'nvidia', model, vramBytes: 80 })
const resources = { cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount: 1 }
const machine = [gpu('a', 'NVIDIA H100 80GB HBM3'), gpu('b', 'NVIDIA H100 PCIe'), gpu('c', 'NVIDIA A100 80GB PCIe')]

test.each([
  ['cpu', { ...resources, gpuCount: 0 }, machine, []],
  ['nvidia-h100', resources, machine, ['a', 'b']],
  ['nvidia-a100', resources, machine, ['c']],
  ['mixed', resources, machine, ['b', 'c']],
  ['mixed', resources, machine, []],
  ['nvidia-h100', resources, machine.slice(0, 2), ['nobody knows it']],
  ['unknown', resources, [], []],
  ['unknown', resources, [gpu('a', '日本')], ['a']],
])('a slot is %s', (kind, of, gpus, held) => {
  expect(slotKindOf({ resources: of, gpus }, held)).toBe(kind)
  expect(slotKindSchema.parse(kind)).toBe(kind)
  const sold = soldSlotOf({ resources: of, gpus, region: 'eu', country: 'NL' }, held)
  expect(sold).toEqual({ kind, region: 'eu', country: 'NL' })
})

test.each(['gpu', 'nvidia-', 'nvidia-H100', 'acme-h100', '', 'cpu '])('%s is no kind of slot', (kind) => {
  expect(slotKindSchema.safeParse(kind).success).toBe(false)
})
