import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatDuration } from '../format/format-duration.ts'
import { formatAge } from '../format/format-time.ts'
import { parseJobId } from '../job/parse-ids.ts'
import { renderTable } from '../terminal/render-table.ts'

const columns = [
  { title: 'auction' },
  { title: 'rule' },
  { title: 'pricing' },
  { title: 'window', align: 'right', spare: 1 },
  { title: 'asked', align: 'right' },
  { title: 'bids', align: 'right' },
  { title: 'won', align: 'right' },
  { title: 'slots', align: 'right' },
  { title: 'at', align: 'right' },
] as const

/** `muster auction list`: the sealed auctions of a job, oldest first. */
export const listAuctions = async (
  session: Session,
  text: string,
  options: { readonly limit: number },
): Promise<number> => {
  const muster = await session.connect()
  const auctions = await muster.listAuctions(parseJobId(text), { limit: options.limit }, { signal: session.signal })
  const { style, terminal } = session
  session.print(auctions, () => {
    if (auctions.length === 0)
      return 'There was no sealed auction for this job: ask for one with auction: {window: 200ms}.\n'
    const rows = auctions.map(({ id, award, terms, solicited, bids, winners, slots, at }) => [
      id,
      award,
      terms.pricing,
      formatDuration(terms.windowMs),
      String(solicited),
      String(bids),
      String(winners),
      String(slots),
      formatAge(at, session.now()),
    ])
    return `${renderTable(columns, rows, { style, width: terminal.stdout.columns })}\nCheck one with: muster auction verify ${auctions[0]?.id}\n`
  })
  return exitCodes.ok
}
