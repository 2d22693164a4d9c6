import { formatUsd, MusterError, parseId } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { plural } from '../format/plural.ts'
import { connectAdmin } from './admin-call.ts'

export interface EraseOptions {
  readonly reason: string
  readonly yes?: boolean
}

/** `muster market erase`: asks for `--yes`, since nothing brings back what it erases. */
export const eraseTenant = async (
  session: Session,
  text: string,
  { reason, yes = false }: EraseOptions,
): Promise<number> => {
  const tenant = parseId('tenant', text)
  if (!yes) {
    throw new MusterError({
      code: 'request_invalid',
      message: `Erasing ${tenant} ends its API keys and standing orders and makes the names of its account, keys, jobs and orders unreadable for good. If that is what you want, say --yes.`,
      facts: { expected: '--yes', found: 'nothing' },
    })
  }
  const muster = await connectAdmin(session)
  const answer = await muster.call('eraseTenant', { params: { tenant }, body: { reason } }, { signal: session.signal })
  session.print(answer, () => {
    const { keys, jobs, blobRefs, balance } = answer
    const left = balance === 0n ? 'Its account is empty.' : `${formatUsd(balance)} are left on its account.`
    return (
      `${session.style.green('✓')} Erased ${tenant}: ${plural(keys, 'API key')} ended, names of ${plural(jobs, 'job')} gone, ` +
      `${plural(blobRefs, 'reference')} to blobs let go of.\n  ${left} Its jobs, receipts and entries stay, under its number.\n` +
      '  Backups: files of keys (….keys) made before now can still read its names; make a backup and delete them.\n'
    )
  })
  return exitCodes.ok
}
