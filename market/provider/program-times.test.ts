import type { Address } from '@muster/protocol'
import { expect, test } from 'vitest'
import { createProgramTimes } from './program-times.ts'

const provider = (index: number): Address => `0x${index.toString(16).padStart(40, '0')}` as Address
const times = (index: number, durationMs: number, startMs: number | null = null, program = 'p') => ({
  program,
  provider: provider(index),
  durationMs,
  startMs,
})

test('a time is measured against the median of two others or more, never against its own', () => {
  const programs = createProgramTimes()
  programs.take(times(1, 100, 10))
  programs.take(times(2, 400))
  expect(programs.factorsOf(times(1, 100, 10))).toEqual({ durationFactor: null, startFactor: null })
  programs.take(times(3, 900, 40))
  expect(programs.factorsOf(times(1, 100, 10))).toEqual({ durationFactor: 100 / 600, startFactor: null })
  expect(programs.factorsOf(times(4, 800))).toEqual({ durationFactor: 2, startFactor: null })
  expect(programs.factorsOf(times(1, 100, 10, 'another'))).toEqual({ durationFactor: null, startFactor: null })
  expect(programs.medianOf('p')).toEqual({ durationMs: 400, startMs: 20 })
  expect(programs.medianOf('another')).toBeUndefined()
})

test('a factor stays within what an observation can hold', () => {
  const programs = createProgramTimes()
  for (const index of [1, 2]) programs.take(times(index, 1_000))
  expect(programs.factorsOf(times(3, 0.01)).durationFactor).toBe(0.1)
  expect(programs.factorsOf(times(3, 1e9)).durationFactor).toBe(10)
})

test('times that the link decides compare as equal', () => {
  const programs = createProgramTimes()
  for (const index of [1, 2]) programs.take(times(index, 0.02, 3))
  expect(programs.factorsOf(times(3, 1.3, 90))).toEqual({ durationFactor: 1, startFactor: 1 })
  expect(programs.factorsOf(times(3, 20, 300))).toEqual({ durationFactor: 2, startFactor: 3 })
})

test('the last times of a provider count, and what was measured last is kept', () => {
  const programs = createProgramTimes()
  for (let index = 0; index < 200; index++) programs.take(times(index, index < 136 ? 10_000 : 50))
  expect(programs.medianOf('p')?.durationMs).toBe(50)
  for (let index = 136; index < 200; index++) programs.take(times(index, 70))
  expect(programs.medianOf('p')?.durationMs).toBe(70)
  for (let index = 0; index < 4_096; index++) programs.take(times(1, 5, null, `program ${index}`))
  expect(programs.medianOf('p')).toBeUndefined()
})
