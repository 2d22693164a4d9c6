import type { AgentMessage, AgentPeer, Log } from '@muster/protocol'
import type { Jobs } from '../job/jobs.ts'

/** A provider takes leases back: nothing new goes to them. Only its own leases count. */
export const takeNotice = async (
  peer: AgentPeer,
  { leases }: Extract<AgentMessage, { type: 'notice' }>,
  { jobs, log }: { readonly jobs: Jobs; readonly log: Log },
): Promise<void> => {
  for (const actor of jobs.all()) {
    const noticed = leases.filter((lease) => actor.peek()?.leases.get(lease)?.provider === peer.provider)
    if (noticed.length === 0) continue
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
