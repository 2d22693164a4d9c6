import { hourMs, hourOf, type Log, type Trade, type World } from '@muster/protocol'
import type { Store } from '../store/store.ts'
import type { Supply } from '../supply/supply.ts'
import { readTrades, type ReadTradesModules } from './read-trades.ts'
import { sampleAsks } from './sample-asks.ts'

/** Adds up what was traded, hour by hour, and notes what is asked. */
export interface PriceKeeper {
  start(): void
  /** Adds up the hours that are over and were not yet. Rejects where the store does; what was added up stays. */
  catchUp(): Promise<void>
  /** Works trades out afresh and compares: how many hours were looked at, and which of them were kept otherwise. */
  audit(period: { readonly from: number; readonly to: number }): Promise<PriceAudit>
  /** Forgets what is too old to be asked for. */
  prune(): Promise<void>
}

export interface PriceAudit {
  readonly hours: number
  readonly trades: number
  readonly wrong: readonly number[]
}

export interface PriceKeeperModules extends ReadTradesModules {
  readonly world: World
  readonly store: Store
  readonly supply: Pick<Supply, 'free'>
  readonly isOver: () => boolean
  readonly log: Log
}

/** How long after its end an hour is added up: commits that were slow are in by then. */
const lateMs = 300_000
const sampleEveryMs = 300_000
const retryMs = 60_000
/** After a start agents link, and jobs are taken up. */
const settleMs = 30_000
/** Hours that are read together where many are to be added up. */
const hoursAtOnce = 24
/** How far back a market looks that never added anything up. */
const firstHours = 30 * 24
const keptMs = 400 * 24 * hourMs

const sameTrades = (a: readonly Trade[], b: readonly Trade[]): boolean => {
  const say = (trades: readonly Trade[]): string =>
    trades
      .map(({ kind, region, per, provider, tenant, amount, quantity, leases }) =>
        [kind, region, per, provider, tenant, amount, quantity, leases].join(' '),
      )
      .toSorted()
      .join('\n')
  return say(a) === say(b)
}

export const createPriceKeeper = (modules: PriceKeeperModules): PriceKeeper => {
  const { world, store, supply, isOver, log } = modules
  const { prices } = store

  const lastWhole = (): number => hourOf(world.now() - lateMs) - hourMs

  const firstToDo = async (last: number): Promise<number> => {
    const newest = await prices.newestHour()
    if (newest !== undefined) return newest + hourMs
    const [oldest] = await store.receipts.batches({ limit: 1 })
    const began = oldest?.receipts.records[0]?.issuedAt
    return began === undefined ? last : Math.max(hourOf(began), last - firstHours * hourMs)
  }

  const put = async (from: number, to: number, trades: readonly Trade[]): Promise<void> => {
    const byHour = Map.groupBy(trades, ({ hour }) => hour)
    for (let hour = from; hour < to; hour += hourMs) await prices.replaceHour(hour, byHour.get(hour) ?? [])
  }

  const catchUp = async (): Promise<void> => {
    const last = lastWhole()
    for (let from = await firstToDo(last); from <= last && !isOver();) {
      const to = Math.min(last + hourMs, from + hoursAtOnce * hourMs)
      const { trades, revised } = await readTrades({ from, to }, modules)
      // Before the hours that say so: if this is cut off, it is done again.
      for (const hour of revised) {
        if (hour >= from) continue
        await put(hour, hour + hourMs, (await readTrades({ from: hour, to: hour + hourMs }, modules)).trades)
      }
      await put(from, to, trades)
      from = to
    }
  }

  const catchUpLater = (delayMs: number): void =>
    void world.after(delayMs, () => {
      catchUp().then(
        () => catchUpLater(hourMs - ((world.now() - lateMs) % hourMs)),
        (error: unknown) => {
          log.warn('could not add up what was traded; trying again', { error })
          catchUpLater(retryMs)
        },
      )
    })

  const sampleLater = (delayMs = sampleEveryMs): void =>
    void world.after(delayMs, () => {
      prices
        .noteAsks(sampleAsks(supply.free(), world.now()))
        .catch((error: unknown) => log.info('could not note what is asked', { error }))
        .finally(() => sampleLater())
    })

  return {
    start: () => {
      catchUpLater(settleMs)
      sampleLater(settleMs)
    },
    catchUp,
    audit: async (period) => {
      const newest = (await prices.newestHour()) ?? 0
      const [from, to] = [hourOf(period.from), Math.min(hourOf(period.to), newest + hourMs)]
      const wrong: number[] = []
      let count = 0
      for (let start = from; start < to && !isOver(); start += hoursAtOnce * hourMs) {
        const span = { from: start, to: Math.min(to, start + hoursAtOnce * hourMs) }
        const kept = Map.groupBy(await prices.trades({ ...span, stepMs: hourMs }), ({ hour }) => hour)
        const found = Map.groupBy((await readTrades(span, modules)).trades, ({ hour }) => hour)
        for (let hour = span.from; hour < span.to; hour += hourMs) {
          count += found.get(hour)?.length ?? 0
          if (!sameTrades(kept.get(hour) ?? [], found.get(hour) ?? [])) wrong.push(hour)
        }
      }
      return { hours: Math.max(0, to - from) / hourMs, trades: count, wrong }
    },
    prune: () => prices.prune(hourOf(world.now() - keptMs)),
  }
}
