import { parseId } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { sayName } from '../format/say-name.ts'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'
import { connectAdmin, reasonHeader, type ReasonOption } from './admin-call.ts'

const tenantColumns = [
  { title: 'tenant' },
  { title: 'name', isFlexible: true },
  { title: 'key', spare: 1 },
  { title: 'since', align: 'right' },
  { title: 'denied', isFlexible: true },
] as const

const jobColumns = [
  { title: 'job' },
  { title: 'name', isFlexible: true },
  { title: 'state' },
  { title: 'tasks', align: 'right' },
  { title: 'submitted', align: 'right' },
] as const

/** `muster market tenants`: all of them, or the jobs of one. What is looked at is in the admin log. */
export const listTenants = async (
  session: Session,
  tenant: string | undefined,
  options: ReasonOption,
): Promise<number> => {
  const muster = await connectAdmin(session)
  const { style, terminal, signal } = session
  const width = terminal.stdout.columns
  const call = { signal, ...reasonHeader(options) }
  if (tenant === undefined) {
    const { tenants } = await muster.call('listTenants', { query: { limit: 1000 } }, call)
    session.print(tenants, () => {
      if (tenants.length === 0) return 'This market has no tenants yet.\n'
      const rows = tenants.map((each) => [
        each.tenant,
        sayName(each.name),
        each.address ?? 'kept by the market',
        formatAge(each.createdAt, session.now()),
        each.denied === null ? 'no' : each.denied.reason,
      ])
      return renderTable(tenantColumns, rows, { style, width })
    })
    return exitCodes.ok
  }
  const { jobs } = await muster.call('tenantJobs', { params: { tenant: parseId('tenant', tenant) } }, call)
  session.print(jobs, () => {
    if (jobs.length === 0) return 'This tenant has no jobs.\n'
    const rows = jobs.map(({ id, name, phase, outcome, counts, submittedAt }) => [
      id,
      sayName(name),
      outcome ?? phase,
      `${counts.accepted + counts.final}/${Object.values(counts).reduce((sum, count) => sum + count, 0)}`,
      formatAge(submittedAt, session.now()),
    ])
    return renderTable(jobColumns, rows, { style, width })
  })
  return exitCodes.ok
}
