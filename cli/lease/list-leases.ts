import type { LeaseView } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatPrice, shorten } from '../format/format-record.ts'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'
import type { Style } from '../terminal/style.ts'
import { findLeases, type LeasedJob } from './find-leases.ts'

const columns = [
  { title: 'lease' },
  { title: 'kind' },
  { title: 'state', isFlexible: true, wraps: true },
  { title: 'slots', align: 'right' },
  { title: 'price', align: 'right' },
  { title: 'ends', align: 'right' },
  { title: 'provider', spare: 1 },
] as const

/** Where a lease is, in a few words. */
export const sayLease = ({ phase, closed, notice, isBroken }: LeaseView, now: number, style: Style): string => {
  const broken = isBroken ? style.red(', term broken') : ''
  if (closed !== null) return style.dim(closed) + broken
  if (notice !== null) return style.yellow(`taken back ${formatAge(notice.endsAt, now)}`) + broken
  return phase === 'suspect' ? style.yellow('out of reach') : style.green('open')
}

const table = ({ job, slots, resizes, leases }: LeasedJob, all: boolean, session: Session): string => {
  const { style, terminal } = session
  const now = session.now()
  const shown = leases.filter(({ closed }) => all || closed === null)
  const rows = shown.map((lease) => [
    lease.id,
    lease.kind,
    sayLease(lease, now, style),
    String(lease.slots),
    formatPrice(lease.lease.record.price),
    lease.closed === null ? formatAge(lease.until, now) : '–',
    shorten(lease.provider),
  ])
  const head = `${style.bold(job)} wants ${slots} ${slots === 1 ? 'slot' : 'slots'}${resizes === 0 ? '' : ', resized'}\n`
  if (rows.length === 0)
    return `${head}  no leases${all || leases.length === 0 ? '' : ' that are open; --all shows the others'}\n`
  return head + renderTable(columns, rows, { style, width: terminal.stdout.columns })
}

/** `muster lease list`: the leases of a job, or of every job that is not closed. */
export const listLeases = async (
  session: Session,
  job: string | undefined,
  { all = false }: { readonly all?: boolean },
): Promise<number> => {
  const found = await findLeases(session, job)
  const document = found.map(({ muster: _, ...leased }) => leased)
  session.print(document, () =>
    found.length === 0
      ? 'No job of yours is open, so there are no leases. Those of one that is closed: muster lease list JOB\n'
      : found.map((leased) => table(leased, all || job !== undefined, session)).join('\n'),
  )
  return exitCodes.ok
}
