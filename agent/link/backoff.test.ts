import { expect, test } from 'vitest'
import { systemWorld, type World } from '@muster/protocol'
import { backoffMs } from './backoff.ts'

const options = { minMs: 200, maxMs: 30_000 }
const world = (byte: number): World => ({ ...systemWorld, random: (count) => new Uint8Array(count).fill(byte) })

test('waits are drawn from the least to twice as much each time, and never more than the most', () => {
  const ceilings = [1, 2, 3, 7, 8, 100, 10_000].map((failures) => Math.round(backoffMs(world(255), failures, options)))
  expect(ceilings).toEqual([400, 800, 1600, 25_600, 30_000, 30_000, 30_000])
  for (const failures of [1, 5, 50]) expect(backoffMs(world(0), failures, options)).toBe(200)
})

test('waits differ', () => {
  const waits = new Set(Array.from({ length: 100 }, () => backoffMs(systemWorld, 6, options)))
  expect(waits.size).toBeGreaterThan(90)
})
