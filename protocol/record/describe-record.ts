import { z } from 'zod'
import { estimate, type Estimate, type FactorEstimate } from './estimate.ts'
import { decayRecord, type ProviderRecord } from './provider-record.ts'
import { recordModel } from './record-model.ts'

const figureNames = ['refusal', 'hazard', 'success', 'start', 'duration', 'mismatch'] as const

/** A figure of a record with all it was computed from, so that anyone can compute it again. */
export const recordFigureSchema = z.strictObject({
  name: z.enum(figureNames),
  /** What it says, as a sentence. */
  meaning: z.string(),
  /** The name of the formula in docs/spec/records-of-providers.md. */
  formula: z.enum(['beta-binomial', 'gamma-poisson', 'log-normal']),
  mean: z.number(),
  low: z.number(),
  high: z.number(),
  /** The mean over many attempts, where `mean` is the median of a factor. */
  expected: z.number().nullable(),
  /** Pseudo-observations of the prior. */
  prior: z.record(z.string(), z.number()),
  /** What was seen, by the weight it has left. */
  seen: z.record(z.string(), z.number()),
  halfLifeMs: z.int(),
  /** Whether `award: effective` counts it. */
  isPriced: z.boolean(),
})

export type RecordFigure = z.output<typeof recordFigureSchema>

interface Described {
  readonly formula: RecordFigure['formula']
  readonly meaning: string
  readonly isPriced: boolean
}

const described: Readonly<Record<(typeof figureNames)[number], Described>> = {
  refusal: {
    formula: 'beta-binomial',
    meaning: 'The share of orders within its offer that it does not take.',
    isPriced: false,
  },
  hazard: {
    formula: 'gamma-poisson',
    meaning: 'How often it disappears with a lease, per hour of lease.',
    isPriced: true,
  },
  success: {
    formula: 'beta-binomial',
    meaning: 'The share of attempts that do not fail by its fault.',
    isPriced: true,
  },
  start: {
    formula: 'log-normal',
    meaning: 'Its time to the first attempt, as a multiple of the program’s median over providers.',
    isPriced: true,
  },
  duration: {
    formula: 'log-normal',
    meaning: 'Its time for an attempt, as a multiple of the program’s median over providers.',
    isPriced: true,
  },
  mismatch: {
    formula: 'beta-binomial',
    meaning: 'The share of checked results that others do not get. Nothing is checked yet: this is the prior.',
    isPriced: false,
  },
}

/** Every figure of a record as at `now`, with prior, evidence, half-life and formula. */
export const describeRecord = (record: ProviderRecord, now: number): RecordFigure[] => {
  const seen = decayRecord(record, now)
  const { hazardPerHour, ...rest } = estimate(record, now)
  const estimates: Readonly<Record<(typeof figureNames)[number], Estimate | FactorEstimate>> = {
    ...rest,
    hazard: hazardPerHour,
  }
  return figureNames.map((name) => {
    const { halfLifeMs, ...prior } = recordModel[name]
    const { mean, low, high, ...more } = estimates[name]
    const expected = 'expected' in more ? more.expected : null
    return { name, ...described[name], mean, low, high, expected, prior, seen: { ...seen[name] }, halfLifeMs }
  })
}
