import { z } from 'zod'
import type { Digest } from '../digest/digest.ts'
import { idSchema } from '../id/id.ts'
import { priceUnits } from '../money/price.ts'
import { nameSchema, timeSchema, type Resources } from '../resource/resources.ts'
import { slotKindSchema } from '../resource/slot-kind.ts'
import { addressSchema } from '../signature/address.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { SoldSlot } from '../resource/slot-kind.ts'

/** What prices are told apart by: slots of one kind in one region, sold by one unit. */
export const seriesSchema = z.strictObject({ kind: slotKindSchema, region: nameSchema, per: z.enum(priceUnits) })
export type Series = z.output<typeof seriesSchema>

const countSchema = z
  .string()
  .regex(/^\d{1,38}$/)
  .transform(BigInt)

/** What one tenant paid one provider within an hour: nobody but the market sees it. */
export const tradeSchema = seriesSchema.extend({
  /** When the hour begins, wall-clock ms: a multiple of `hourMs`. */
  hour: timeSchema,
  provider: addressSchema,
  tenant: idSchema('tenant'),
  /** Nano-dollars. */
  amount: countSchema,
  /** How much was bought, in the least part of the unit: see `quantityOf`. */
  quantity: countSchema,
  leases: z.int().min(1),
})
export type Trade = z.output<typeof tradeSchema>

export const hourMs = 3_600_000

/**
 * How much a receipt bought. Per `hour`: GPU-milliseconds, or thousandths of core-milliseconds where the slot has no GPU, so that slots of every size compare.
 * Per `operator`: operators run. Per `task`: 1.
 */
export const quantityOf = (
  { price, operators, slotMs }: Pick<Receipt, 'price' | 'operators' | 'slotMs'>,
  slot: Resources,
): bigint => {
  if (price.per === 'task') return 1n
  if (price.per === 'operator') return BigInt(operators)
  return BigInt(slotMs) * BigInt(slot.gpuCount > 0 ? slot.gpuCount : slot.cpuMilli)
}

/** Least parts of what a published price is for: an hour of a GPU or of a core, an operator, a task. */
export const partsPerUnit = ({ kind, per }: Pick<Series, 'kind' | 'per'>): number => {
  if (per !== 'hour') return 1
  return kind === 'cpu' ? hourMs * 1_000 : hourMs
}

/** An asked price in the unit of the series it belongs to, in nano-dollars. */
export const unitPriceOf = (price: Receipt['price'], slot: Resources): number => {
  if (price.per !== 'hour') return Number(price.nanoUsd)
  return slot.gpuCount > 0 ? Number(price.nanoUsd) / slot.gpuCount : (Number(price.nanoUsd) * 1_000) / slot.cpuMilli
}

export const seriesKey = ({ kind, region, per }: Series): string => `${kind} ${region} ${per}`

/** A receipt and what its lease says of the slot; `sold` is absent where the lease does not say. */
export interface PaidReceipt {
  readonly receipt: Receipt
  readonly slot: Resources
  readonly sold: SoldSlot | undefined
}

/** The whole hour a time is in. */
export const hourOf = (at: number): number => at - (at % hourMs)

/** Adds receipts up to trades. */
export interface TradeTally {
  /** A receipt that reverses another takes part in no trade; the one it reverses must be known to be reversed. */
  add(paid: PaidReceipt, isReversed: boolean): void
  /** By hour, series, provider and tenant, in that order. */
  trades(): Trade[]
}

/**
 * What was traded: a pure function of the receipts, whatever their order. Receipts that others reverse, those that reverse, those of
 * nothing, and those whose lease does not say what it sold are no trades.
 */
export const createTradeTally = (): TradeTally => {
  const trades = new Map<string, { trade: Trade; readonly leases: Set<Digest> }>()
  return {
    add: ({ receipt, slot, sold }, isReversed) => {
      const { provider, tenant, amount, reverses, price, lease } = receipt
      const quantity = quantityOf(receipt, slot)
      if (sold === undefined || reverses !== null || amount <= 0n || quantity <= 0n || isReversed) return
      const series = { kind: sold.kind, region: sold.region, per: price.per }
      const hour = hourOf(receipt.issuedAt)
      const key = `${String(hour).padStart(15, '0')} ${seriesKey(series)} ${provider} ${tenant}`
      const known = trades.get(key)
      const leases = (known?.leases ?? new Set()).add(lease)
      const sums = { amount: (known?.trade.amount ?? 0n) + amount, quantity: (known?.trade.quantity ?? 0n) + quantity }
      trades.set(key, { trade: { ...series, hour, provider, tenant, ...sums, leases: leases.size }, leases })
    },
    trades: () => [...trades].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { trade }]) => trade),
  }
}
