import { durationSchema, type DenialKind } from '@muster/protocol'
import { MusterError, parseCid, parseId, type Address } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { formatAge } from '../format/format-time.ts'
import { plural } from '../format/plural.ts'
import { renderTable } from '../terminal/render-table.ts'
import { connectAdmin } from './admin-call.ts'

type Target =
  | { readonly kind: 'tenant'; readonly subject: ReturnType<typeof parseId<'tenant'>> }
  | { readonly kind: 'program'; readonly subject: ReturnType<typeof parseCid> }
  | { readonly kind: 'region'; readonly subject: string }
  | { readonly kind: 'provider'; readonly subject: Address }

const wrong = (message: string, expected: string, found: string): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { expected, found } })

const isAddress = (text: string): text is Address => /^0x[0-9a-f]{40}$/.test(text)

const targetOf = (kind: string, subject: string): Target => {
  switch (kind) {
    case 'tenant':
      return { kind, subject: parseId('tenant', subject) }
    case 'program':
      return { kind, subject: parseCid(subject) }
    case 'region':
      return { kind, subject }
    case 'provider': {
      const address = subject.toLowerCase()
      if (isAddress(address)) return { kind, subject: address }
      throw wrong('This is not the address of a provider.', '0x and 40 hexadecimal digits', subject)
    }
    default:
      throw wrong(`There is no such thing to deny: ${kind}.`, 'tenant, program, region or provider', kind)
  }
}

const expiryOf = (text: string | undefined, now: number): number | null => {
  if (text === undefined) return null
  const parsed = durationSchema.safeParse(text)
  if (parsed.success && parsed.data > 0) return now + parsed.data
  throw wrong('This is not how long a denial lasts.', 'a time such as 12h or 7d', text)
}

export interface DenyOptions {
  readonly reason: string
  readonly for?: string
  readonly stop?: boolean
}

/** `muster market deny` */
export const denySubject = async (
  session: Session,
  kind: string,
  subject: string,
  { reason, for: lasts, stop = false }: DenyOptions,
): Promise<number> => {
  const target = targetOf(kind, subject)
  const muster = await connectAdmin(session)
  const body = { target, reason, expiresAt: expiryOf(lasts, session.now()), stop }
  const answer = await muster.call('deny', { body }, { signal: session.signal })
  session.print(answer, () => {
    const { denial, jobs, leases } = answer
    const until =
      denial.expiresAt === null ? 'until it is allowed' : `until ${new Date(denial.expiresAt).toISOString()}`
    const effect =
      kind === 'tenant' || kind === 'program'
        ? `${plural(jobs, 'job')}: waiting tasks are given up, running ones ${stop ? 'were stopped' : 'finish and are paid'}.`
        : stop
          ? `${plural(leases, 'lease')} ended; their tasks go to others.`
          : 'No new leases; those there are run to their end.'
    return `${session.style.green('✓')} Denied ${kind} ${denial.subject} ${until}.\n  ${effect}\n`
  })
  return exitCodes.ok
}

/** `muster market allow` */
export const allowSubject = async (
  session: Session,
  kind: string,
  subject: string,
  { reason }: { readonly reason?: string },
): Promise<number> => {
  const target = targetOf(kind, subject)
  const muster = await connectAdmin(session)
  const body = { target, ...(reason === undefined ? {} : { reason }) }
  await muster.call('allow', { body }, { signal: session.signal })
  session.print(
    { target, isAllowed: true },
    () => `${session.style.green('✓')} Allowed ${kind} ${target.subject} again.\n`,
  )
  return exitCodes.ok
}

const columns = [
  { title: 'denied' },
  { title: 'subject' },
  { title: 'since', align: 'right' },
  { title: 'ends', align: 'right' },
  { title: 'stopped' },
  { title: 'by' },
  { title: 'why', isFlexible: true, wraps: true },
] as const

/** `muster market denials` */
export const listDenials = async (session: Session): Promise<number> => {
  const muster = await connectAdmin(session)
  const { denials } = await muster.call('listDenials', {}, { signal: session.signal })
  const { style, terminal } = session
  session.print(denials, () => {
    if (denials.length === 0) return 'Nobody is denied.\n'
    const rows = denials.map(({ kind, subject, at, expiresAt, stopped, by, reason }: (typeof denials)[number]) => [
      kind satisfies DenialKind,
      subject,
      formatAge(at, session.now()),
      expiresAt === null ? 'never' : formatAge(expiresAt, session.now()),
      stopped ? 'yes' : 'no',
      by,
      reason,
    ])
    return renderTable(columns, rows, { style, width: terminal.stdout.columns })
  })
  return exitCodes.ok
}
