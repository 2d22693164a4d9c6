import type { AuditReport } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatDuration } from '../format/format-duration.ts'
import { connectAdmin } from '../market/admin-call.ts'
import { renderTable } from '../terminal/render-table.ts'
import { printable } from '../terminal/text-width.ts'

/** A ledger of millions of entries takes minutes. */
const timeoutMs = 3_600_000
const shownFaults = 10

const renderReport = (session: Session, { ok, checks, startedAt, endedAt, passes }: AuditReport): string => {
  const { style, terminal } = session
  const width = terminal.stdout.columns
  const rows = checks.map(({ name, claim, checked, faultCount }) => [
    faultCount === 0 ? style.green('✓') : style.red('✗'),
    name,
    String(checked),
    faultCount === 0 ? '–' : style.red(String(faultCount)),
    claim,
  ])
  const table = renderTable(
    [
      { title: '' },
      { title: 'check' },
      { title: 'looked at', align: 'right' },
      { title: 'faults', align: 'right' },
      { title: 'what holds', isFlexible: true, wraps: true },
    ],
    rows,
    { style, width },
  )
  const details = checks
    .filter(({ faultCount }) => faultCount > 0)
    .map(({ name, faults, faultCount }) => {
      const shown = faults.slice(0, shownFaults).map(({ subject, message }) => [printable(subject), printable(message)])
      const more = faultCount > shown.length ? style.dim(`  … and ${faultCount - shown.length} more\n`) : ''
      const list = renderTable([{ title: 'whose' }, { title: 'found', isFlexible: true, wraps: true }], shown, {
        style,
        width,
        indent: '  ',
      })
      return `\n${style.bold(name)}\n${list}${more}`
    })
    .join('')
  const total = checks.reduce((sum, { faultCount }) => sum + faultCount, 0)
  const took = `${formatDuration(endedAt - startedAt)}${passes > 1 ? `, read ${passes} times` : ''}`
  const verdict = ok
    ? `${style.green('✓')} The ledger is whole: every balance follows from its receipts and entries (${took}).\n`
    : `${style.red('✗')} The ledger is broken: ${total} faults (${took}).\n`
  return `${table}${details}\n${verdict}`
}

/** `muster ledger audit`: for the operator. Exits with 1 unless every balance follows from receipts and entries. */
export const auditLedger = async (session: Session): Promise<number> => {
  const muster = await connectAdmin(session)
  const report = await muster.auditLedger({ signal: session.signal, timeoutMs })
  session.print(report, () => renderReport(session, report))
  return report.ok ? exitCodes.ok : exitCodes.failed
}
