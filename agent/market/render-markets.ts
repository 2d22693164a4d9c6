import { nodeUrls } from '@muster/protocol'
import { alignColumns } from '../log/align-columns.ts'
import { printable } from '../log/printable.ts'
import type { MarketFile } from './market-file.ts'
import { sayUrls } from './say-urls.ts'
import { staleMs, type StatusFile } from './status-file.ts'

type Line = StatusFile['markets'][number]

/** The markets as a running agent stands with them, and those that it has not heard of yet. */
export interface MarketsDocument {
  readonly isRunning: boolean
  readonly at: number | null
  readonly markets: readonly (Omit<Line, 'phase'> & { readonly phase: Line['phase'] | 'waiting' })[]
  readonly left: readonly string[]
}

const unheard = { problem: null, reserved: 0, leased: 0, unsettled: 0 }
const nothingSeen = { leased: 0, released: 0, lapsed: 0, turnedAway: 0, claimed: 0, settled: 0, restsUntil: 0 }

export const marketsDocument = (file: MarketFile, status: StatusFile | undefined, now: number): MarketsDocument => {
  const isRunning = status !== undefined && now - status.at < staleMs
  const known = status?.markets ?? []
  const isLeft = new Set(file.left.map(({ url }) => url))
  const isGone = (url: string): boolean => isLeft.has(url) || nodeUrls(url).every((each) => isLeft.has(each))
  const isHeard = (url: string): boolean => {
    const urls = nodeUrls(url)
    return known.some((market) => urls.every((each) => nodeUrls(market.url).includes(each)))
  }
  const added = file.markets
    .filter(({ url }) => !isHeard(url))
    .map(({ url, address }) => ({ ...unheard, url, address, phase: 'waiting' as const, seen: nothingSeen }))
  const markets = [...known.filter(({ url, phase }) => !isGone(url) || phase === 'leaving'), ...added]
  return { isRunning, at: status?.at ?? null, markets, left: [...isLeft] }
}

const phases: Record<MarketsDocument['markets'][number]['phase'], string> = {
  waiting: 'added',
  asked: 'asking who it is',
  linked: 'linked',
  unlinked: 'out of reach',
  leaving: 'leaving',
  refused: 'given up',
}

const sayLeases = ({ seen: { leased, lapsed } }: MarketsDocument['markets'][number]): string =>
  leased + lapsed === 0 ? '–' : `${leased} of ${leased + lapsed}`

const headings = ['MARKET', 'STATE', 'RESERVED', 'LEASED', 'KEPT', 'CLAIMS', 'UNSETTLED']

/** As `muster agent market list` shows it. Kept: reservations that became leases, of those that were not given back soon. */
export const renderMarkets = ({ isRunning, at, markets, left }: MarketsDocument, now: number): string => {
  if (markets.length === 0 && left.length === 0)
    return 'No markets yet. Add one with: muster agent market add https://market.example\n'
  const rows = markets.map((market) => {
    const { url, phase, reserved, leased, unsettled, seen } = market
    const isResting = phase === 'linked' && seen.restsUntil > now
    const state = isResting ? `rests ${Math.ceil((seen.restsUntil - now) / 1000)} s` : phases[phase]
    const numbers = [reserved, leased].map(String)
    return [sayUrls(url), state, ...numbers, sayLeases(market), String(seen.claimed), String(unsettled)]
  })
  const notes = [
    ...(isRunning
      ? []
      : [
          at === null
            ? 'No agent has run here yet.'
            : `The agent does not run; this is of ${new Date(at).toISOString()}.`,
        ]),
    ...markets.flatMap(({ url, problem }) => (problem === null ? [] : [`${printable(url)}: ${printable(problem)}`])),
    ...markets
      .filter(({ phase, seen }) => phase === 'linked' && seen.restsUntil > now)
      .map(
        ({ url }) =>
          `${printable(url)} reserved again and again without a lease; it is offered nothing while it rests.`,
      ),
    ...(left.length === 0 ? [] : [`Left: ${left.map(printable).join(', ')}`]),
  ]
  const table = markets.length === 0 ? '' : `${alignColumns([headings, ...rows])}\n`
  return `${table}${notes.map((note) => `${note}\n`).join('')}`
}
