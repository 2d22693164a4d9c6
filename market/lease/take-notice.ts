import type { AgentMessage, AgentPeer, LeaseId, Log } from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import type { LeaseKeeper } from './lease-keeper.ts'

/** A provider takes leases back: nothing new goes to them. Only its own leases count. */
export const takeNotice = async (
  peer: AgentPeer,
  { leases }: Extract<AgentMessage, { type: 'notice' }>,
  { keeper, log }: { readonly keeper: Pick<LeaseKeeper, 'jobOf'>; readonly log: Log },
): Promise<void> => {
  const byJob = new Map<JobActor, LeaseId[]>()
  for (const lease of leases) {
    const actor = keeper.jobOf(lease, peer.provider)
    if (actor === undefined) continue
    const noticed = byJob.get(actor)
    if (noticed === undefined) byJob.set(actor, [lease])
    else noticed.push(lease)
  }
  for (const [actor, noticed] of byJob) {
    try {
      await actor.step((draft) => {
        for (const lease of noticed) {
          const state = draft.job.leases.get(lease)
          if (draft.job.closed !== null || state === undefined || state.phase === 'closed' || state.noticedAt !== null)
            continue
          draft.emit({ type: 'lease-noticed', at: draft.now, lease })
        }
      })
    } catch (error) {
      log.warn('a notice was not written; the provider gives it again', { provider: peer.provider, error })
    }
  }
}
