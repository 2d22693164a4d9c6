import {
  MusterError,
  type Address,
  type AgentPeer,
  type ErrorCode,
  type LeaseId,
  type Log,
  type World,
} from '@muster/protocol'
import type { Supply } from '../supply/supply.ts'

export interface TellClosedModules {
  readonly world: World
  readonly supply: Supply
  readonly log: Log
}

/**
 * Tells an agent that a lease is closed, again and again while its link lasts. One that is not linked learns it from
 * `releaseStrays` when it links again. Resolves to whether the agent was told.
 */
export type TellClosed = (provider: Address, lease: LeaseId) => Promise<boolean>

const callTimeoutMs = 5_000
const firstRetryMs = 1_000
const maxRetryMs = 60_000
/** Calls in flight to one agent; whatever it claims to hold, it is told no faster. */
const callsAtOnce = 16

/** The calls under way to one agent, and those that wait for their turn. */
interface Turns {
  running: number
  readonly waiting: (() => void)[]
  /** Whether it was logged that this agent was not told. */
  isLogged: boolean
}

/** Errors that say nothing of what was asked: the link broke or was slow. */
export const isPassing = (error: unknown): boolean => {
  const passing: readonly ErrorCode[] = ['link_closed', 'timeout', 'cancelled']
  return error instanceof MusterError && passing.includes(error.code)
}

export const createTellClosed = ({ world, supply, log }: TellClosedModules): TellClosed => {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void world.after(ms, resolve))
  const turns = new WeakMap<AgentPeer, Turns>()

  const call = async (peer: AgentPeer, lease: LeaseId, turn: Turns): Promise<void> => {
    if (turn.running >= callsAtOnce) await new Promise<void>((resolve) => void turn.waiting.push(resolve))
    else turn.running++
    try {
      await peer.call('close-lease', { lease }, { timeoutMs: callTimeoutMs })
    } finally {
      const next = turn.waiting.shift()
      if (next === undefined) turn.running--
      else next()
    }
  }

  return async (provider, lease) => {
    const peer = supply.peer(provider)
    if (peer === undefined) return false
    const turn = turns.get(peer) ?? { running: 0, waiting: [], isLogged: false }
    turns.set(peer, turn)
    for (let retryMs = firstRetryMs; supply.peer(provider) === peer;) {
      try {
        await call(peer, lease, turn)
        return true
      } catch (error) {
        if (!turn.isLogged) {
          log.info('an agent was not told that a lease is closed; trying again while it is linked', {
            provider,
            lease,
            error,
          })
        }
        turn.isLogged = true
      }
      await wait(retryMs)
      retryMs = Math.min(maxRetryMs, retryMs * 2)
    }
    return false
  }
}
