import { seriesKey, type Series, type Trade } from '@muster/protocol'
import type { Ask, PriceQuery, Prices } from '../price-store.ts'
import type { MemoryDisk } from './memory-disk.ts'

type Placed = Series & { readonly hour: number }

const matching = <Row extends Placed>(rows: Iterable<Row>, { from, to, stepMs, kind, per }: PriceQuery): Row[] =>
  [...rows]
    .filter(
      (row) =>
        row.hour >= from &&
        row.hour < to &&
        (kind === undefined || row.kind === kind) &&
        (per === undefined || row.per === per),
    )
    .map((row) => ({ ...row, hour: row.hour - ((row.hour - from) % stepMs) }))

const nameOf = (row: Placed): string => `${row.hour} ${seriesKey(row)}`

export const memoryPrices = (disk: MemoryDisk): Prices => ({
  replaceHour: async (hour, trades) => void disk.priceHours.set(hour, [...trades]),
  newestHour: async () => (disk.priceHours.size === 0 ? undefined : Math.max(...disk.priceHours.keys())),
  trades: async (query) => {
    const sums = new Map<string, Trade>()
    for (const row of matching([...disk.priceHours.values()].flat(), query)) {
      const name = `${nameOf(row)} ${row.provider} ${row.tenant}`
      const sum = sums.get(name)
      const { amount = 0n, quantity = 0n, leases = 0 } = sum ?? {}
      sums.set(name, {
        ...row,
        amount: amount + row.amount,
        quantity: quantity + row.quantity,
        leases: leases + row.leases,
      })
    }
    return [...sums.values()]
  },
  noteAsks: async (asks) => {
    for (const ask of asks) {
      const known = disk.priceAsks.get(nameOf(ask))
      if (known === undefined || known.price > ask.price) disk.priceAsks.set(nameOf(ask), { ...ask })
    }
  },
  asks: async (query) => {
    const lowest = new Map<string, Ask>()
    for (const row of matching(disk.priceAsks.values(), query)) {
      const known = lowest.get(nameOf(row))
      if (known === undefined || known.price > row.price) lowest.set(nameOf(row), row)
    }
    return [...lowest.values()]
  },
  prune: async (olderThan) => {
    for (const hour of disk.priceHours.keys()) if (hour < olderThan) disk.priceHours.delete(hour)
    for (const [name, { hour }] of disk.priceAsks) if (hour < olderThan) disk.priceAsks.delete(name)
  },
})
