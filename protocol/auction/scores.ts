import { z } from 'zod'
import type { Reliability } from '../record/estimate.ts'
import { addressSchema, type Address } from '../signature/address.ts'
import type { UnitOfWork } from './effective-price.ts'

/** A number of zero or more as the shortest decimal that reads back as the same double: records hold no fractions. */
const figureSchema = z
  .string()
  .max(32)
  .regex(/^\d+(\.\d+)?(e[+-]\d+)?$/)
  .refine((text) => Number.isFinite(Number(text)) && String(Number(text)) === text, {
    error: 'expected the shortest decimal of a double',
  })

/** What the scores of `award: effective` were worked out from, as the market knew it at the close: see docs/spec/award.md. */
export const scoresSchema = z.strictObject({
  work: z.strictObject({
    durationMs: figureSchema,
    startMs: figureSchema,
    operators: figureSchema,
    transferNanoUsd: figureSchema,
    checkpoint: z
      .strictObject({ everyMs: figureSchema.nullable(), tookMs: figureSchema, nanoUsd: figureSchema })
      .nullable(),
  }),
  reliability: z
    .array(
      z.strictObject({
        provider: addressSchema,
        hazardPerHour: figureSchema,
        success: figureSchema,
        startFactor: figureSchema,
        durationFactor: figureSchema,
        /** Absent where it is none. */
        transferMs: figureSchema.exactOptional(),
      }),
    )
    .max(10_000),
})

export type Scores = z.output<typeof scoresSchema>

/** Writes the figures down. Throws `RangeError` on one that is no finite number of zero or more. */
const figure = (value: number): string => {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${value} is no figure of a score`)
  return String(value === 0 ? 0 : value)
}

/** The figures of these providers, as a transcript holds them. */
export const writeScores = (work: UnitOfWork, reliability: ReadonlyMap<Address, Reliability>): Scores => ({
  work: {
    durationMs: figure(work.durationMs),
    startMs: figure(work.startMs),
    operators: figure(work.operators),
    transferNanoUsd: figure(work.transferNanoUsd),
    checkpoint:
      work.checkpoint === null
        ? null
        : {
            everyMs: work.checkpoint.everyMs === null ? null : figure(work.checkpoint.everyMs),
            tookMs: figure(work.checkpoint.tookMs),
            nanoUsd: figure(work.checkpoint.nanoUsd),
          },
  },
  reliability: [...reliability].map(([provider, known]) => ({
    provider,
    hazardPerHour: figure(known.hazardPerHour),
    success: figure(known.success),
    startFactor: figure(known.startFactor),
    durationFactor: figure(known.durationFactor),
    ...(known.transferMs === undefined ? {} : { transferMs: figure(known.transferMs) }),
  })),
})

export interface ReadScores {
  readonly work: UnitOfWork
  readonly reliability: ReadonlyMap<Address, Reliability>
}

export const readScores = ({ work, reliability }: Scores): ReadScores => ({
  work: {
    durationMs: Number(work.durationMs),
    startMs: Number(work.startMs),
    operators: Number(work.operators),
    transferNanoUsd: Number(work.transferNanoUsd),
    checkpoint:
      work.checkpoint === null
        ? null
        : {
            everyMs: work.checkpoint.everyMs === null ? null : Number(work.checkpoint.everyMs),
            tookMs: Number(work.checkpoint.tookMs),
            nanoUsd: Number(work.checkpoint.nanoUsd),
          },
  },
  reliability: new Map(
    reliability.map(({ provider, ...known }) => [
      provider,
      {
        hazardPerHour: Number(known.hazardPerHour),
        success: Number(known.success),
        startFactor: Number(known.startFactor),
        durationFactor: Number(known.durationFactor),
        ...(known.transferMs === undefined ? {} : { transferMs: Number(known.transferMs) }),
      },
    ]),
  ),
})
