import {
  hourMs,
  maxPriceSpans,
  priceFigure,
  seriesKey,
  type PriceFigure,
  type PriceHistory,
  type PriceHistoryQuery,
  type PriceIndex,
  type Series,
  type Trade,
  type World,
} from '@muster/protocol'
import type { Store } from '../store/store.ts'

/** What is published of prices, worked out at most once in a minute. */
export interface PriceDesk {
  index(): Promise<PriceIndex>
  /** Spans without a price have `null`, whatever the reason: that somebody traded is not for the public. */
  history(query: PriceHistoryQuery): Promise<PriceHistory>
}

export interface PriceDeskModules {
  readonly world: World
  readonly store: Pick<Store, 'prices'>
}

const windowMs = 7 * 24 * hourMs
/** How recent an ask is shown as the lowest one now. */
const askedMs = 2 * hourMs
const keptMs = 60_000
const mostKept = 200

const figureOf = (series: Pick<Series, 'kind' | 'per'>, trades: readonly Trade[]): PriceFigure | null => {
  const figure = priceFigure(series, trades)
  return typeof figure === 'string' ? null : figure
}

/** Remembers answers for a minute, the newest ones. */
const createCache = <Answer>(world: World) => {
  const known = new Map<string, { readonly at: number; readonly answer: Promise<Answer> }>()
  return (key: string, make: () => Promise<Answer>): Promise<Answer> => {
    const found = known.get(key)
    if (found !== undefined && world.elapsed() - found.at < keptMs) return found.answer
    const answer = make()
    known.delete(key)
    known.set(key, { at: world.elapsed(), answer })
    answer.catch(() => known.delete(key))
    for (const [oldest] of known) if (known.size > mostKept) known.delete(oldest)
    return answer
  }
}

export const createPriceDesk = ({ world, store: { prices } }: PriceDeskModules): PriceDesk => {
  const indexes = createCache<PriceIndex>(world)
  const histories = createCache<PriceHistory>(world)

  const wholeHours = async (): Promise<number> => {
    const newest = await prices.newestHour()
    return newest === undefined ? world.now() - (world.now() % hourMs) : newest + hourMs
  }

  const makeIndex = async (): Promise<PriceIndex> => {
    const to = await wholeHours()
    const from = to - windowMs
    const trades = await prices.trades({ from, to, stepMs: windowMs })
    const now = world.now()
    const asks = await prices.asks({
      from: now - (now % hourMs) - askedMs,
      to: now + hourMs,
      stepMs: askedMs + 2 * hourMs,
    })
    const rows = new Map<string, PriceIndex['prices'][number]>()
    const add = (series: Pick<Series, 'kind' | 'per'>, region: string | null, of: readonly Trade[]): void => {
      const figure = figureOf(series, of)
      const lowest = Math.min(
        ...asks
          .filter((ask) => ask.kind === series.kind && ask.per === series.per && (region ?? ask.region) === ask.region)
          .map(({ price }) => price),
      )
      const asked = Number.isFinite(lowest) ? lowest : null
      if (figure === null && asked === null) return
      rows.set(`${series.kind} ${series.per} ${region ?? ''}`, {
        kind: series.kind,
        per: series.per,
        region,
        figure,
        asked,
      })
    }
    const bySeries = Map.groupBy(trades, seriesKey)
    const all = [...trades, ...asks]
    for (const { kind, region, per } of all) {
      const key = seriesKey({ kind, region, per })
      if (!rows.has(`${kind} ${per} ${region}`)) add({ kind, per }, region, bySeries.get(key) ?? [])
      if (!rows.has(`${kind} ${per} `))
        add(
          { kind, per },
          null,
          trades.filter((trade) => trade.kind === kind && trade.per === per),
        )
    }
    const sorted = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
    return { from, to, computedAt: now, prices: sorted }
  }

  const makeHistory = async ({ kind, per, region, step, from, to }: PriceHistoryQuery): Promise<PriceHistory> => {
    const stepMs = step === 'day' ? 24 * hourMs : hourMs
    const end = Math.min(to ?? Infinity, await wholeHours())
    const last = end - (end % stepMs)
    const wanted = from === undefined ? last - 30 * stepMs : from - (from % stepMs)
    const first = Math.max(0, wanted, last - maxPriceSpans * stepMs)
    const query = { from: first, to: last, stepMs, kind, per }
    const isHere = (row: Series): boolean => region === undefined || row.region === region
    const trades = Map.groupBy((await prices.trades(query)).filter(isHere), ({ hour }) => hour)
    const asks = Map.groupBy((await prices.asks(query)).filter(isHere), ({ hour }) => hour)
    const points = Array.from({ length: Math.max(0, Math.round((last - first) / stepMs)) }, (_, index) => {
      const at = first + index * stepMs
      const asked = asks.get(at)?.reduce((least, { price }) => Math.min(least, price), Infinity) ?? null
      return { at, figure: figureOf({ kind, per }, trades.get(at) ?? []), asked }
    })
    return { kind, per, region: region ?? null, step, computedAt: world.now(), points }
  }

  return {
    index: () => indexes('', makeIndex),
    history: (query) => histories(JSON.stringify(query), () => makeHistory(query)),
  }
}
