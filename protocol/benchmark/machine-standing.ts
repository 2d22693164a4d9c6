import { z } from 'zod'
import type { BenchmarkEntry, BenchmarkFigures } from './benchmark-entry.ts'

const rateSchema = z.number().min(0)

/** What follows from a provider's benchmarks for what it may be given. */
export const machineStandingSchema = z.strictObject({
  /** GFLOP/s of a slot that count: the median of the last three measured. */
  gflops: rateSchema,
  /** What it sold before the newest one: as its offers said, else the median of up to five before. Null where there is neither. */
  soldGflops: rateSchema.nullable(),
  /** The newest was below what it sold. */
  isLow: z.boolean(),
  /** The two newest were: it does not have the speed it sold. */
  isBelowSold: z.boolean(),
  /** Whether the newest run of the reproducibility vector gave the pinned outputs; null where it never ran. */
  reproduces: z.boolean().nullable(),
  /** Megabits a second of the newest. */
  downMbps: rateSchema,
  upMbps: rateSchema,
})

export type MachineStanding = z.output<typeof machineStandingSchema>

/** A result below this share of what was sold counts as low: shared machines differ by a fifth from run to run. */
const lowShare = 0.7
const medianOver = 3
const soldOver = 5

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.floor(sorted.length / 2)] ?? 0)) / 2
}

interface Measured {
  readonly figures: BenchmarkFigures
  readonly soldGflops: number | null
}

const speeds = (entries: readonly Measured[]): number[] => entries.map(({ figures }) => figures.gflops)

const soldAt = (measured: readonly Measured[], index: number): number | null => {
  const stated = measured[index]?.soldGflops ?? null
  if (stated !== null) return stated
  const before = speeds(measured.slice(index + 1, index + 1 + soldOver))
  return before.length === 0 ? null : median(before)
}

const isLowAt = (measured: readonly Measured[], index: number): boolean => {
  const sold = soldAt(measured, index)
  const found = measured[index]
  return sold !== null && found !== undefined && found.figures.gflops < lowShare * sold
}

/** The standing after these benchmarks, newest first; `undefined` where none was measured. */
export const machineStanding = (newestFirst: readonly BenchmarkEntry[]): MachineStanding | undefined => {
  const measured = newestFirst.flatMap(({ figures, soldGflops }) => (figures === null ? [] : [{ figures, soldGflops }]))
  const [newest] = measured
  if (newest === undefined) return undefined
  const isLow = isLowAt(measured, 0)
  const vector = measured.find(({ figures }) => figures.mismatches !== null)?.figures.mismatches ?? null
  return {
    gflops: median(speeds(measured.slice(0, medianOver))),
    soldGflops: soldAt(measured, 0),
    isLow,
    isBelowSold: isLow && isLowAt(measured, 1),
    reproduces: vector === null ? null : vector.length === 0,
    downMbps: newest.figures.downMbps,
    upMbps: newest.figures.upMbps,
  }
}
