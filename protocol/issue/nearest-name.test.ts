import { expect, test } from 'vitest'
import { nearestName } from './nearest-name.ts'

const names = ['apiVersion', 'tasks', 'slots', 'maxPrice', 'timeout', 'memory', 'cpu', 'gpu']

test.each([
  ['task', 'tasks'],
  ['taks', 'tasks'],
  ['solts', 'slots'],
  ['slot', 'slots'],
  ['gup', 'gpu'],
  ['maxprice', 'maxPrice'],
  ['max_price', 'maxPrice'],
  ['apiversion', 'apiVersion'],
  ['timeoutMs', 'timeout'],
  ['mem', 'memory'],
  ['cpus', 'cpu'],
  ['gpus', 'gpu'],
  ['price', 'maxPrice'],
])('%s may have been meant as %s', (written, name) => {
  expect(nearestName(written, names)).toBe(name)
})

test.each([['color'], ['x'], [''], ['t'.repeat(100_000)]])('%s was meant as none of them', (written) => {
  expect(nearestName(written, names)).toBeUndefined()
})
