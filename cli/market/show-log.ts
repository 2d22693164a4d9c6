import type { AdminLogEntry } from '@muster/protocol'
import { formatUsd, parseId, toJson } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { shorten } from '../format/format-record.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Style } from '../terminal/style.ts'
import { connectAdmin } from './admin-call.ts'

const columns = [
  { title: 'when' },
  { title: 'who' },
  { title: 'role', spare: 1 },
  { title: 'what', isFlexible: true, wraps: true, least: 14 },
  { title: 'about', isFlexible: true, wraps: true, least: 38 },
  { title: 'why', isFlexible: true, wraps: true },
] as const

const sayFact = (name: string, value: unknown): string => {
  if (name === 'expiresAt' && typeof value === 'number')
    return `until ${new Date(value).toISOString().slice(0, 16).replace('T', ' ')}`
  if (name === 'amount' && typeof value === 'string' && /^-?\d{1,19}$/.test(value)) return formatUsd(BigInt(value))
  if (value === true) return name
  // A target is its kind and its name, and of a refund its amount.
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([key, part]) => (key === 'amount' ? sayFact(key, part) : String(part)))
      .join(' ')
  }
  return `${name} ${typeof value === 'string' ? value : toJson(value)}`
}

const sayFacts = (facts: AdminLogEntry['facts']): string =>
  Object.entries(facts)
    .filter(([, value]) => value !== null && value !== false)
    .map(([name, value]) => sayFact(name, value))
    .join(', ')

const sayWhat = ({ action, outcome, code }: AdminLogEntry, style: Style): string =>
  outcome === 'asked' ? action : style.red(`${action}: ${code ?? 'refused'}`)

/** `muster market log`: newest last, as logs are read. */
export const showLog = async (
  session: Session,
  { limit, before }: { readonly limit: number; readonly before?: string },
): Promise<number> => {
  const muster = await connectAdmin(session)
  const query = { limit, ...(before === undefined ? {} : { before: parseId('action', before) }) }
  const { actions } = await muster.call('adminLog', { query }, { signal: session.signal })
  const { style, terminal } = session
  session.print(actions, () => {
    if (actions.length === 0) return 'No admin has done anything yet.\n'
    const isNarrow = Number.isFinite(terminal.stdout.columns)
    const rows = actions
      .toReversed()
      .map((entry) => [
        new Date(entry.at).toISOString().slice(0, 19).replace('T', ' '),
        entry.actorName,
        entry.role,
        sayWhat(entry, style),
        isNarrow
          ? sayFacts(entry.facts).replace(/\b0x[\da-f]{40}\b/g, (address) => shorten(address))
          : sayFacts(entry.facts),
        entry.reason,
      ])
    return renderTable(columns, rows, { style, width: terminal.stdout.columns })
  })
  return exitCodes.ok
}
