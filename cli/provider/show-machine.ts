import type { ProviderRecordView } from '@muster/sdk'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Style } from '../terminal/style.ts'

type Machine = NonNullable<ProviderRecordView['machine']>
type Entry = ProviderRecordView['benchmarks'][number]

/** Two digits or three, without an exponent. */
const round = (value: number): string =>
  value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))

const saySpeed = ({ gflops, soldGflops, isBelowSold, isLow }: Machine): string => {
  const measured = `${round(gflops)} GFLOP/s a slot`
  if (soldGflops === null) return measured
  const sold = `sold as ${round(soldGflops)}`
  if (isBelowSold) return `${measured}: slower than sold (${sold})`
  return isLow ? `${measured} (${sold}; the newest is low, and will be looked at again)` : `${measured} (${sold})`
}

const sayVector = ({ reproduces }: Machine): string => {
  if (reproduces === null) return 'not tried'
  return reproduces
    ? 'yes: it gave the pinned outputs, bit by bit'
    : 'no: it gets no graph work that asks for reproducible machines'
}

/** What follows from the benchmarks, as facts. */
export const machineFacts = ({ machine, benchmarks }: ProviderRecordView): (readonly [string, string])[] => {
  const [newest] = benchmarks
  if (newest === undefined) return [['machine', 'never measured']]
  const said: (readonly [string, string])[] =
    machine === null
      ? [['machine', 'nothing measured yet']]
      : [
          ['machine', saySpeed(machine)],
          ['reproduces', sayVector(machine)],
        ]
  if (newest.outcome === 'measured') return said
  return [...said, ['last challenge', `${newest.outcome}: ${newest.reason}`]]
}

const columns = [
  { title: 'when', align: 'right' },
  { title: 'challenge' },
  { title: 'GFLOP/s', align: 'right' },
  { title: 'Mbit/s to', align: 'right' },
  { title: 'from', align: 'right' },
  { title: 'memory GB/s', align: 'right' },
  { title: 'disk MB/s', align: 'right' },
  { title: 'note', isFlexible: true, wraps: true },
] as const

const noteOf = ({ reason, figures }: Entry): string => {
  if (figures === null) return reason
  const wrong = figures.mismatches ?? []
  const gpus = figures.gpus.map(({ model, driver }) => `${model} (driver ${driver})`)
  return [...(wrong.length === 0 ? [] : [`differs in ${wrong.join(', ')}`]), ...gpus].join('; ')
}

/** The benchmarks as a table; empty where there are none. */
export const showBenchmarks = (
  { benchmarks }: ProviderRecordView,
  { style, width, now }: { readonly style: Style; readonly width: number; readonly now: number },
): string => {
  if (benchmarks.length === 0) return ''
  const rows = benchmarks.map((entry) => {
    const { figures } = entry
    const cells =
      figures === null
        ? ['–', '–', '–', '–', '–']
        : [
            round(figures.gflops),
            round(figures.downMbps),
            round(figures.upMbps),
            round(figures.memoryMBps / 1000),
            round(figures.diskWriteMBps),
          ]
    return [formatAge(entry.at, now), entry.outcome, ...cells, noteOf(entry)]
  })
  return `\n${renderTable(columns, rows, { style, width })}`
}
