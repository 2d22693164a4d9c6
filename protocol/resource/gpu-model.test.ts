import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gpuModelOf } from './gpu-model.ts'

test.each([
  ['NVIDIA GeForce RTX 4090', 'rtx4090'],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', 'rtx4090laptop'],
  ['NVIDIA H100 80GB HBM3', 'h100'],
  ['NVIDIA H100 PCIe', 'h100'],
  ['NVIDIA H100 NVL', 'h100'],
  ['NVIDIA A100-SXM4-80GB', 'a100'],
  ['NVIDIA A100 80GB PCIe', 'a100'],
  ['Tesla V100-SXM2-16GB', 'v100'],
  ['NVIDIA RTX A6000', 'rtxa6000'],
  ['NVIDIA RTX 6000 Ada Generation', 'rtx6000ada'],
  ['AMD Instinct MI300X', 'mi300x'],
  ['AMD Radeon RX 7900 XTX', 'rx7900xtx'],
  ['Apple M2 Ultra', 'm2ultra'],
  ['h100sxm', 'h100'],
])('the model of %s is %s', (name, model) => {
  expect(gpuModelOf(name)).toBe(model)
})

test('of its own answer it changes nothing, whatever the name', () => {
  const word = fc.constantFrom('NVIDIA', 'H100', '80GB', 'sxm', 'pcie', 'nvl', ' ', '-', '4', '0gb', 'g', 'pu', 'hbm3')
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.array(word, { maxLength: 12 }).map((words) => words.join('')),
  )
  fc.assert(
    fc.property(name, (text) => {
      const model = gpuModelOf(text)
      expect(gpuModelOf(model)).toBe(model)
      expect(model).toMatch(/^[a-z0-9]*$/)
    }),
  )
})
