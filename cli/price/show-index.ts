import { priceUnitName, sayUsd, shownUsd, type PriceIndex } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { renderTable } from '../terminal/render-table.ts'
import { wrapText } from '../terminal/wrap-text.ts'

const columns = [
  { title: 'kind' },
  { title: 'region' },
  { title: 'paid', align: 'right' },
  { title: 'between', align: 'right' },
  { title: 'for a', isFlexible: true },
  { title: 'volume', align: 'right', spare: 1 },
  { title: 'providers', align: 'right', spare: 2 },
  { title: 'tenants', align: 'right', spare: 3 },
  { title: 'asked', align: 'right' },
] as const

type Row = PriceIndex['prices'][number]

const row = ({ kind, region, per, figure, asked }: Row): readonly string[] => {
  const say = (price: number): string => sayUsd(shownUsd(price, { kind, per }))
  return [
    kind,
    region ?? 'all',
    figure === null ? '–' : say(figure.price),
    figure === null ? '–' : `${say(figure.low)} … ${say(figure.high)}`,
    priceUnitName({ kind, per }),
    figure === null ? '–' : String(per === 'operator' ? figure.volume / 1e6 : figure.volume),
    figure === null ? '–' : String(figure.providers),
    figure === null ? '–' : String(figure.tenants),
    asked === null ? '–' : say(asked),
  ]
}

const how =
  'What was paid, weighted by volume with no pair of provider and tenant above a fifth, without outliers; it lies between the two bounds ' +
  'with 90 % probability. A dash: too few traded to say. The method: docs/spec/price-index.md.'

/** `muster price index`: what was paid over the last seven days. */
export const showIndex = async (session: Session): Promise<number> => {
  const muster = await session.connect()
  const index = await muster.priceIndex({ signal: session.signal })
  const { style, terminal } = session
  session.print(index, () => {
    if (index.prices.length === 0)
      return 'Too little was traded within seven days to say what was paid. What is asked is noted every five minutes: nothing so far.\n'
    const width = terminal.stdout.columns
    const day = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ')
    const head = style.dim(`${day(index.from)} to ${day(index.to)} UTC\n\n`)
    const foot = wrapText(how, Math.min(width, 100)).map((line) => `${style.dim(line)}\n`)
    return `${head}${renderTable(columns, index.prices.map(row), { style, width })}\n${foot.join('')}`
  })
  return exitCodes.ok
}
