import type { Address, LeaseId } from '@muster/protocol'
import type { AgentContext } from '../context.ts'
import { endLease } from './end-lease.ts'

/** Closes a lease for its market: running attempts are cancelled and the slots free. One that is not open is closed already. */
export const closeLease = async (context: AgentContext, market: Address, id: LeaseId): Promise<void> => {
  const lease = context.book.leases.get(id)
  if (lease === undefined || lease.signed.record.market !== market) return
  await context.write(endLease(context, lease, 'closed'))
}
