import { priceUnitName, sayUsd, shownUsd, type Muster, type PriceHistory } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { renderChart } from './render-chart.ts'

export interface HistoryOptions {
  readonly region?: string
  /** Left out, the first unit that the index has a price for. */
  readonly per?: PriceHistory['per']
  readonly step: PriceHistory['step']
  readonly spans?: number
}

const drawn = 72
const spanMs = { hour: 3_600_000, day: 86_400_000 } as const

const render = (history: PriceHistory, { style, terminal }: Session): string => {
  const { kind, per, region, points, step } = history
  const unit = priceUnitName({ kind, per })
  const title = `${style.bold(kind)}, ${region ?? 'all regions'}: dollars for a ${unit}, by the ${step} (UTC)\n`
  const columns = Number.isFinite(terminal.stdout.columns) ? terminal.stdout.columns : drawn
  const chart = renderChart(history, { style, width: columns })
  if (chart === '')
    return `${title}\nNo ${step} that is over has a price: nothing was offered, or too little was traded. What is asked now says: muster price index\n`
  const known = points.filter(({ figure }) => figure !== null)
  const last = known.at(-1)?.figure ?? null
  const say = (price: number): string => sayUsd(shownUsd(price, { kind, per }))
  const newest =
    last === null
      ? 'Too few traded to say what was paid; the lowest asks are drawn.'
      : `Last paid ${say(last.price)} (${say(last.low)} … ${say(last.high)}); a price in ${known.length} of ${points.length} ${step}s.`
  const key = `${style.cyan('●')} paid  ${style.dim('░')} holds it with 90 %  ${style.yellow('╌')} lowest ask`
  return `${title}\n${chart}\n${key}\n${newest}\n`
}

const units = ['hour', 'operator', 'task'] as const

const findUnit = async (session: Session, muster: Muster, kind: string): Promise<PriceHistory['per']> => {
  const { prices } = await muster.priceIndex({ signal: session.signal })
  const known = (isPaid: boolean) =>
    units.find((per) =>
      prices.some((each) => each.kind === kind && each.per === per && (!isPaid || each.figure !== null)),
    )
  return known(true) ?? known(false) ?? 'hour'
}

/** `muster price history`: what was paid for a kind of slot, drawn over time. */
export const showHistory = async (session: Session, kind: string, options: HistoryOptions): Promise<number> => {
  const muster = await session.connect()
  const { region, step, spans } = options
  const per = options.per ?? (await findUnit(session, muster, kind))
  const query = {
    kind,
    per,
    step,
    ...(region === undefined ? {} : { region }),
    ...(spans === undefined ? {} : { from: Math.max(0, session.now() - (spans + 1) * spanMs[step]) }),
  }
  const history = await muster.priceHistory(query, { signal: session.signal })
  session.print(history, () => render(history, session))
  return exitCodes.ok
}
