import { adminRoles, type AdminRole } from '@muster/protocol'
import { MusterError, parseId } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatAge } from '../format/format-time.ts'
import { renderTable } from '../terminal/render-table.ts'
import { connectAdmin, reasonHeader, type ReasonOption } from './admin-call.ts'

const isRole = (text: string): text is AdminRole => adminRoles.some((role) => role === text)

/** `muster market key create` */
export const createAdminKey = async (
  session: Session,
  name: string,
  { role, reason }: ReasonOption & { readonly role: string },
): Promise<number> => {
  if (!isRole(role)) {
    throw new MusterError({
      code: 'request_invalid',
      message: `There is no such role: ${role}.`,
      facts: { expected: adminRoles.join(', '), found: role },
    })
  }
  const muster = await connectAdmin(session)
  const body = { name, role, ...(reason === undefined ? {} : { reason }) }
  const created = await muster.call('createAdminKey', { body }, { signal: session.signal })
  session.print(created, () => {
    const { style } = session
    return `${style.green('✓')} ${created.key} (${role})\n\n  ${style.bold(created.adminKey)}\n\nKeep it now; it is shown this once. Revoke it with: muster market key revoke ${created.key}\n`
  })
  return exitCodes.ok
}

const columns = [
  { title: 'key' },
  { title: 'name', isFlexible: true },
  { title: 'role' },
  { title: 'ends in' },
  { title: 'made by' },
  { title: 'made', align: 'right' },
  { title: 'state' },
] as const

/** `muster market key list` */
export const listAdminKeys = async (session: Session): Promise<number> => {
  const muster = await connectAdmin(session)
  const { keys } = await muster.call('listAdminKeys', {}, { signal: session.signal })
  const { style, terminal } = session
  session.print(keys, () => {
    if (keys.length === 0)
      return 'There is only the key the market was started with. Make more with: muster market key create NAME\n'
    const rows = keys.map((key) => [
      key.id,
      key.name,
      key.role,
      `…${key.lastFour}`,
      key.createdBy,
      formatAge(key.createdAt, session.now()),
      key.revokedAt === null ? style.green('works') : style.dim(`revoked ${formatAge(key.revokedAt, session.now())}`),
    ])
    return renderTable(columns, rows, { style, width: terminal.stdout.columns })
  })
  return exitCodes.ok
}

/** `muster market key revoke` */
export const revokeAdminKey = async (session: Session, text: string, options: ReasonOption): Promise<number> => {
  const key = parseId('key', text)
  const muster = await connectAdmin(session)
  await muster.call('revokeAdminKey', { params: { key } }, { signal: session.signal, ...reasonHeader(options) })
  session.print(
    { key, isRevoked: true },
    () => `${session.style.green('✓')} Revoked ${key}; its next call is refused.\n`,
  )
  return exitCodes.ok
}
