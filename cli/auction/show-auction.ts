import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { toJson, type TranscriptBundle } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatDuration } from '../format/format-duration.ts'
import { formatPrice, shorten } from '../format/format-record.ts'
import { plural } from '../format/plural.ts'
import { renderFacts } from '../terminal/render-facts.ts'
import { renderTable } from '../terminal/render-table.ts'
import { readTranscript } from './read-transcript.ts'

type Transcript = TranscriptBundle['transcript']['record']

const columns = [
  { title: 'provider' },
  { title: 'bid', align: 'right' },
  { title: 'slots', align: 'right' },
  { title: '' },
  { title: 'won', align: 'right' },
  { title: 'paid', align: 'right' },
] as const

const reasons: Readonly<Record<Transcript['award']['refused'][number]['reason'], string>> = {
  late: 'came after the close',
  duplicate: 'is one of several',
  unrevealed: 'was not opened',
  'does-not-open': 'is not what was sealed',
  'other-provider': 'is another provider’s',
  'other-market': 'is for another market',
  'other-order': 'is for another order',
  'other-unit': 'is in another unit',
  'below-zero': 'is below zero',
  'above-ceiling': 'is above the ceiling',
  expired: 'had expired',
  'does-not-fit': 'does not fit the order',
}

const bidRows = ({ bids, late, award }: Transcript): string[][] => {
  const place = new Map(award.winners.map(({ provider }, index) => [provider, index]))
  const refused = new Map(award.refused.map(({ provider, reason }) => [provider, reason]))
  const ranked = bids.toSorted((a, b) => {
    const [first, second] = [a, b].map(({ provider }) => place.get(provider) ?? place.size)
    const [one, other] = [a, b].map(({ reveal }) => reveal?.reservation.record.price.nanoUsd ?? 2n ** 63n)
    return (first ?? 0) - (second ?? 0) || ((one ?? 0n) < (other ?? 0n) ? -1 : 1)
  })
  const rows = ranked.map(({ provider, reveal }) => {
    const winner = award.winners[place.get(provider) ?? -1]
    const reason = refused.get(provider)
    const record = reveal?.reservation.record
    return [
      shorten(provider),
      record === undefined ? '–' : formatPrice(record.price),
      record === undefined ? '–' : String(record.slots),
      winner !== undefined ? 'won' : reason === undefined ? 'lost' : reasons[reason],
      winner === undefined ? '' : String(winner.slots),
      winner === undefined ? '' : formatPrice(winner.price),
    ]
  })
  return [...rows, ...late.map(({ provider }) => [shorten(provider), '–', '–', reasons.late, '', ''])]
}

/** `muster auction show`: every bid, best first, and what it won. */
export const showAuction = async (
  session: Session,
  given: string,
  options: { readonly out?: string },
): Promise<number> => {
  const { bundle } = await readTranscript(session, given)
  const { record } = bundle.transcript
  const order = record.order.record
  const { style, terminal } = session
  if (options.out !== undefined) await writeFile(path.resolve(session.directory, options.out), `${toJson(bundle, 2)}\n`)
  session.print(bundle, () => {
    const facts = renderFacts(
      [
        ['auction', record.auction],
        ['job', record.job],
        ['rule', `${order.award}, ${order.auction?.pricing ?? ''}`],
        ['ceiling', formatPrice(order.maxPrice)],
        ['wanted', `${record.wanted} ${record.wanted === 1 ? 'slot' : 'slots'}`],
        [
          'asked',
          `${plural(record.solicited, 'agent')}, ${record.closing.record.count} bid in ${formatDuration(record.closing.record.closedAt - record.openedAt)}`,
        ],
      ],
      { style },
    )
    const table = renderTable(columns, bidRows(record), { style, width: terminal.stdout.columns })
    const saved = options.out === undefined ? '' : `\nSaved; check it with: muster auction verify ${options.out}\n`
    return `${facts}\n${table}${saved}`
  })
  return exitCodes.ok
}
