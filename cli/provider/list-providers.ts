import type { Address } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'
import { formatFigure } from './format-figure.ts'

const columns = [
  { title: 'provider' },
  { title: 'linked' },
  { title: 'observed', align: 'right', spare: 4 },
  { title: 'refuses', align: 'right' },
  { title: 'disappears', align: 'right' },
  { title: 'succeeds', align: 'right' },
  { title: 'start-up', align: 'right', spare: 3 },
  { title: 'duration', align: 'right', spare: 2 },
  { title: 'GFLOP/s', align: 'right' },
  { title: 'reproduces', spare: 1 },
] as const

/** `muster provider list`: what to expect of each provider, as `award: effective` does. */
export const listProviders = async (
  session: Session,
  query: { readonly limit: number; readonly after?: Address },
): Promise<number> => {
  const muster = await session.connect()
  const providers = await muster.listProviders(query, { signal: session.signal })
  const { style, terminal } = session
  session.print(providers, () => {
    if (providers.length === 0) return 'No provider was ever linked to this market.\n'
    const rows = providers.map((each) => [
      each.provider,
      each.linked ? 'yes' : formatAge(each.lastSeenAt, session.now()),
      String(each.observations),
      formatFigure('refusal', each.refusal),
      formatFigure('hazard', each.hazardPerHour),
      formatFigure('success', each.success),
      formatFigure('start', each.startFactor),
      formatFigure('duration', each.durationFactor),
      each.gflops === null ? '–' : each.gflops.toPrecision(3),
      each.reproduces === null ? '–' : each.reproduces ? 'yes' : 'no',
    ])
    const table = renderTable(columns, rows, { style, width: terminal.stdout.columns })
    const last = providers.length < query.limit ? undefined : providers.at(-1)
    return last === undefined ? table : `${table}\nThere may be more: --after ${last.provider}\n`
  })
  return exitCodes.ok
}
