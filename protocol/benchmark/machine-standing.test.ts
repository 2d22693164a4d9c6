import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Address } from '../signature/address.ts'
import type { BenchmarkEntry } from './benchmark-entry.ts'
import { machineStanding } from './machine-standing.ts'

const entry = (
  gflops: number | null,
  more: Partial<BenchmarkEntry> = {},
  mismatches: string[] | null = [],
): BenchmarkEntry => ({
  id: 'x',
  provider: `0x${'11'.repeat(20)}` as Address,
  at: 1,
  outcome: gflops === null ? 'refused' : 'measured',
  reason: '',
  execSpec: '',
  figures:
    gflops === null
      ? null
      : {
          gflops,
          claimedGflops: gflops,
          downMbps: 100,
          upMbps: 10,
          memoryMBps: 1,
          diskWriteMBps: 1,
          diskReadMBps: 1,
          mismatches,
          gpus: [],
        },
  soldGflops: null,
  answers: [],
  ...more,
})

const standing = (...newestFirst: (number | null)[]) => machineStanding(newestFirst.map((gflops) => entry(gflops)))

test('of a machine that was never measured there is none', () => {
  expect(machineStanding([])).toBeUndefined()
  expect(standing(null, null)).toBeUndefined()
})

test('counts the median of three, and is low below seven tenths of what was sold', () => {
  expect(standing(10)).toMatchObject({ gflops: 10, soldGflops: null, isLow: false, isBelowSold: false })
  expect(standing(7, 10)).toMatchObject({ gflops: 8.5, soldGflops: 10, isLow: false })
  expect(standing(6.9, 10)).toMatchObject({ isLow: true, isBelowSold: false })
  expect(standing(6, 6, 10, 10)).toMatchObject({ gflops: 6, isLow: true, isBelowSold: true })
  expect(standing(6, null, 6, 10, 10)).toMatchObject({ isBelowSold: true })
  expect(standing(10, 6, 10, 10)).toMatchObject({ isLow: false, isBelowSold: false })
})

test('holds what the offers said against what was measured, from the first time on', () => {
  const sold = (gflops: number, soldGflops: number) => entry(gflops, { soldGflops })
  expect(machineStanding([sold(6, 10)])).toMatchObject({ gflops: 6, soldGflops: 10, isLow: true, isBelowSold: false })
  expect(machineStanding([sold(6, 10), sold(6, 10)])).toMatchObject({ isBelowSold: true })
  expect(machineStanding([sold(6, 6), sold(6, 10)])).toMatchObject({ isLow: false, isBelowSold: false })
})

test('a machine that is slower for good is sold at its new speed after a while, and no longer marked', () => {
  expect(standing(4, 4, 4, 4, 10, 10, 10)).toMatchObject({ soldGflops: 4, gflops: 4, isBelowSold: false })
})

test('reproduces as its newest run of the vector did', () => {
  expect(machineStanding([entry(1, {}, null)])?.reproduces).toBeNull()
  expect(machineStanding([entry(1, {}, null), entry(1, {}, ['Exp'])])?.reproduces).toBe(false)
  expect(machineStanding([entry(1), entry(1, {}, ['Exp'])])?.reproduces).toBe(true)
})

test('one result alone never marks a machine that states nothing', () => {
  const speeds = fc.array(fc.double({ min: 9, max: 11, noNaN: true }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(speeds, fc.double({ min: 0, max: 100, noNaN: true }), (before, newest) => {
      expect(standing(newest, ...before)?.isBelowSold).toBe(false)
    }),
  )
})
