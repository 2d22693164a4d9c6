import { z } from 'zod'
import { nonNegativeNanoUsdSchema, type NanoUsd } from './money.ts'

/** What one unit of a price is: a finished task, one operator of its program run once, or an hour of a slot. */
export const priceUnits = ['task', 'operator', 'hour'] as const
export type PriceUnit = (typeof priceUnits)[number]

export const priceSchema = z.strictObject({ nanoUsd: nonNegativeNanoUsdSchema, per: z.enum(priceUnits) })

export type Price = z.output<typeof priceSchema>

/** What was used: one task of `operators` operators that held its slot for `slotMs` milliseconds. */
export interface Usage {
  readonly operators: number
  readonly slotMs: number
}

const msPerHour = 3_600_000n

/**
 * What a usage costs at a price, rounded half up to a nano-dollar, once.
 * `task`: price · `operator`: price × operators · `hour`: price × slotMs ÷ 3,600,000.
 */
export const chargeFor = (price: Price, usage: Usage): NanoUsd => {
  if (price.per === 'task') return price.nanoUsd
  if (price.per === 'operator') return price.nanoUsd * BigInt(usage.operators)
  return (price.nanoUsd * BigInt(usage.slotMs) + msPerHour / 2n) / msPerHour
}
