import type { Log } from '@muster/protocol'
import type { Award } from './run-auction.ts'

const releaseTimeoutMs = 5_000

/** Tells an agent that what it reserved is not needed, and gives it back. Never rejects: what is not released expires by itself. */
export const releaseAward = async ({ peer, reservation, hold }: Award, log: Log): Promise<void> => {
  try {
    await peer.call('release', { reservation: reservation.record.id }, { timeoutMs: releaseTimeoutMs })
  } catch (error) {
    log.info('a reservation was not released; it expires by itself', { provider: peer.provider, error })
  } finally {
    hold.giveBack()
  }
}
