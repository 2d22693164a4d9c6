import type { Offer } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatBytes } from '../format/format-bytes.ts'
import { formatDuration } from '../format/format-duration.ts'
import { formatCores, formatGpus, formatPrice, shorten } from '../format/format-record.ts'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'

const columns = [
  { title: 'provider' },
  { title: 'region' },
  { title: 'in', spare: 1 },
  { title: 'free', align: 'right' },
  { title: 'cores', align: 'right' },
  { title: 'memory', align: 'right' },
  { title: 'disk', align: 'right', spare: 2 },
  { title: 'gpus', isFlexible: true, wraps: true },
  { title: 'runs', isFlexible: true },
  { title: 'lease' },
  { title: 'price', align: 'right' },
  { title: 'expires', align: 'right', spare: 3 },
] as const

/** The kinds of lease; behind `spot`, with what notice they end. */
const sayTerm = (term: Offer['term']): string =>
  term === undefined
    ? 'on-demand'
    : term.kinds.map((kind) => (kind === 'spot' ? `spot ${formatDuration(term.noticeMs ?? 0)}` : kind)).join('; ')

/** `muster offer list`: standing offers, cheapest first. Resources are those of one slot. */
export const listOffers = async (session: Session, options: { readonly limit: number }): Promise<number> => {
  const muster = await session.connect()
  const offers = await muster.listOffers({ limit: options.limit }, { signal: session.signal })
  const { style, terminal } = session
  session.print(offers, () => {
    if (offers.length === 0) return 'There are no offers: no agent that is linked to this market offers anything now.\n'
    const rows = offers.map(({ record, free }) => [
      shorten(record.provider),
      record.region,
      record.country,
      `${free} of ${record.slots}`,
      formatCores(record.resources.cpuMilli),
      formatBytes(record.resources.memoryBytes),
      formatBytes(record.resources.diskBytes),
      formatGpus(record.gpus),
      record.runtimes.join(', '),
      sayTerm(record.term),
      formatPrice(record.price),
      formatAge(record.expiresAt, session.now()),
    ])
    return renderTable(columns, rows, { style, width: terminal.stdout.columns })
  })
  return exitCodes.ok
}
