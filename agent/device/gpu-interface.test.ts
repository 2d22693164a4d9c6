import { expect, test } from 'vitest'
import { gpuInterfaceOf } from './gpu-interface.ts'

test.each([
  ['NVIDIA A100-SXM4-80GB', 'sxm'],
  ['NVIDIA H100 80GB HBM3', 'sxm'],
  ['NVIDIA H200', 'sxm'],
  ['NVIDIA H200 NVL', 'pcie'],
  ['NVIDIA H100 PCIe', 'pcie'],
  ['NVIDIA A100 80GB PCIe', 'pcie'],
  ['NVIDIA GeForce RTX 4090', 'pcie'],
  ['NVIDIA RTX A6000', 'pcie'],
  ['Tesla T4', 'pcie'],
  ['NVIDIA L40S', 'pcie'],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', undefined],
  ['NVIDIA Graphics Device', undefined],
])('the name %s says %s', (name, connection) => {
  expect(gpuInterfaceOf(name)).toBe(connection)
})
