import { MusterError, type Address, type ErrorCode, type LeaseId, type Log, type World } from '@muster/protocol'
import type { Supply } from '../supply/supply.ts'

export interface TellClosedModules {
  readonly world: World
  readonly supply: Supply
  readonly log: Log
}

/**
 * Tells an agent that a lease is closed, again and again while its link lasts. One that is not linked learns it from
 * `releaseStrays` when it links again.
 */
export type TellClosed = (provider: Address, lease: LeaseId) => Promise<void>

const callTimeoutMs = 5_000
const firstRetryMs = 1_000
const maxRetryMs = 60_000

/** Errors that say nothing of what was asked: the link broke or was slow. */
export const isPassing = (error: unknown): boolean => {
  const passing: readonly ErrorCode[] = ['link_closed', 'timeout', 'cancelled']
  return error instanceof MusterError && passing.includes(error.code)
}

export const createTellClosed = ({ world, supply, log }: TellClosedModules): TellClosed => {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void world.after(ms, resolve))
  return async (provider, lease) => {
    const peer = supply.peer(provider)
    for (let retryMs = firstRetryMs; peer !== undefined && supply.peer(provider) === peer;) {
      try {
        await peer.call('close-lease', { lease }, { timeoutMs: callTimeoutMs })
        return
      } catch (error) {
        log.info('an agent was not told that a lease is closed; trying again while it is linked', { lease, error })
      }
      await wait(retryMs)
      retryMs = Math.min(maxRetryMs, retryMs * 2)
    }
  }
}
