import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Gpu } from '../resource/resources.ts'
import { gpuMismatch } from './gpu-mismatch.ts'

const gpu = (uuid: string, model = 'NVIDIA H100 80GB HBM3', vramGib = 80): Gpu => ({
  uuid,
  vendor: 'nvidia',
  model,
  vramBytes: vramGib * 2 ** 30,
})

const perSlot = (gpuCount: number) => ({ cpuMilli: 1, memoryBytes: 1, diskBytes: 0, gpuCount })
const offer = { gpus: [gpu('a'), gpu('b'), gpu('c', 'NVIDIA GeForce RTX 4090', 24)] }
const order = (kind = {}) => ({
  resources: { ...perSlot(1), gpu: { vendors: [], models: [], vramBytes: 0, interfaces: [], ...kind } },
})
const held = (gpus: string[], slots = gpus.length) => ({ gpus, slots, resources: perSlot(1) })

test.each([
  ['more than its slots have', held(['a', 'b'], 1), order(), 'gpu count', 1, 2],
  ['fewer than its slots have', held(['a'], 2), order(), 'gpu count', 2, 1],
  ['some where slots have none', { ...held(['a']), resources: perSlot(0) }, order(), 'gpu count', 0, 1],
  ['one of them twice', held(['a', 'a']), order(), 'gpu twice', 'each device once', 'a'],
  ['one that was not offered', held(['a', 'z']), order(), 'gpu not offered', ['a', 'b', 'c'], 'z'],
])('a reservation that names %s is a mismatch', (_, reservation, asked, field, expected, found) => {
  expect(gpuMismatch(reservation, offer, asked)).toEqual({ field, expected, found })
})

test.each([{ models: ['h100'] }, { vramBytes: 40 * 2 ** 30 }, { vendors: ['amd' as const] }])(
  'a device that is not %j as ordered is a mismatch',
  (kind) => {
    expect(gpuMismatch(held(['c']), offer, order(kind))).toMatchObject({ field: 'gpu kind', found: { uuid: 'c' } })
  },
)

test('an order without a kind takes any device of the offer', () => {
  expect(gpuMismatch(held(['c', 'a']), offer, { resources: perSlot(1) })).toBeUndefined()
  expect(gpuMismatch(held([], 2), { gpus: [] }, { resources: perSlot(0) })).toEqual({
    field: 'gpu count',
    expected: 2,
    found: 0,
  })
})

test('what is right is exactly a choice of as many offered devices, and strangers’ lists never throw', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), { maxLength: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 2 }),
      (gpus, slots, gpuCount) => {
        const found = gpuMismatch({ gpus, slots, resources: perSlot(gpuCount) }, offer, order())
        const isRight =
          gpus.length === slots * gpuCount &&
          new Set(gpus).size === gpus.length &&
          gpus.every((uuid) => ['a', 'b', 'c'].includes(uuid))
        expect(found === undefined).toBe(isRight)
      },
    ),
  )
})
