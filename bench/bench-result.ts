import { availableParallelism, cpus, totalmem } from 'node:os'

/** What a benchmark found: figures in the units their names say, and ratios of ours over the rival's of the same run. */
export interface BenchResult {
  readonly bench: string
  readonly machine: Readonly<Record<string, unknown>>
  readonly figures: Readonly<Record<string, number>>
  readonly ratios: Readonly<Record<string, number>>
  readonly detail?: unknown
}

/** The machine a figure was measured on. */
export const describeMachine = (): Readonly<Record<string, unknown>> => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryGib: Math.round(totalmem() / 2 ** 30),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
})

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** The value below which this share of the values lies (nearest rank). */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
