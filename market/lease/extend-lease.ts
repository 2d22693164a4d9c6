import { kindOfLease, maxTermMs, MusterError, type LeaseId, type LeaseState } from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import { amendLease, leaseNotFound, type AmendLeaseModules } from './amend-lease.ts'

const requireOpen = ({ closed, lease }: LeaseState): void => {
  if (closed === null) return
  throw new MusterError({
    code: 'lease_closed',
    message: `The lease is over (${closed}); order another one.`,
    facts: { lease: lease.record.id, found: closed },
    fault: 'tenant',
  })
}

/**
 * Has a lease last until a later time, at its price. One that lasts as long already stays as it is. Rejects `request_invalid` for a time
 * too far off, `lease_closed` for a lease that is over, `conflict` for a spot lease, and what `amendLease` does.
 */
export const extendLease = async (
  actor: JobActor,
  id: LeaseId,
  until: number,
  modules: AmendLeaseModules,
): Promise<void> => {
  const state = actor.peek()?.leases.get(id)
  if (state === undefined) throw leaseNotFound(id)
  requireOpen(state)
  if (until <= state.until) return
  const now = modules.world.now()
  if (until > now + maxTermMs)
    throw new MusterError({
      code: 'request_invalid',
      message: 'No lease lasts as long as that.',
      facts: { lease: id, expected: `at most ${now + maxTermMs}`, found: until },
    })
  if (kindOfLease(state.lease.record) === 'spot')
    throw new MusterError({
      code: 'conflict',
      message: 'A spot lease is not made longer; order another one.',
      facts: { lease: id },
      retry: 'never',
    })
  await amendLease(actor, id, { until }, modules)
}
