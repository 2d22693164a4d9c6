import { maxNoticeMs, type AgentMessage, type AgentPeer, type LeaseId, type Log, type World } from '@muster/protocol'
import type { JobActor } from '../job/job-actor.ts'
import type { LeaseKeeper } from './lease-keeper.ts'

export interface TakeNoticeModules {
  readonly world: World
  readonly keeper: Pick<LeaseKeeper, 'jobOf'>
  readonly log: Log
}

/** A notice given again arrives a little sooner or later than the first time. */
const repeatMs = 1_000

type NoticeMessage = Extract<AgentMessage, { type: 'notice' }>

/** When the provider's slots end by the market's clock: that of an agent may be anywhere, so how long it is from now counts where it says so. */
const endOf = ({ by, inMs }: NoticeMessage, now: number): number =>
  inMs === undefined ? Math.max(by, now) : now + inMs

/**
 * A provider takes leases back: nothing goes to them that would not end in time. Only its own leases count, a notice from before now is
 * one of now, and one further ahead than any may be is none.
 */
export const takeNotice = async (
  peer: AgentPeer,
  message: NoticeMessage,
  { world, keeper, log }: TakeNoticeModules,
): Promise<void> => {
  const { provider } = peer
  const endsAt = endOf(message, world.now())
  if (endsAt - world.now() > maxNoticeMs) {
    log.warn('refused a notice further ahead than any may be', {
      provider,
      leases: message.leases,
      endsAt,
      maxNoticeMs,
    })
    return
  }
  const byJob = new Map<JobActor, LeaseId[]>()
  for (const lease of message.leases) {
    const actor = keeper.jobOf(lease, provider)
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
          if (draft.job.closed !== null || state === undefined || state.phase === 'closed') continue
          if (state.notice !== null && endsAt >= state.notice.endsAt - repeatMs) continue
          const takesWork = message.takesWork === true ? { takesWork: true } : {}
          draft.emit({
            type: 'lease-noticed',
            at: draft.now,
            lease,
            endsAt: Math.min(endsAt, state.until),
            ...takesWork,
          })
        }
      })
    } catch (error) {
      log.warn('a notice was not written; the provider gives it again', { provider, error })
    }
  }
}
