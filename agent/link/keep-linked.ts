import {
  maxEpoch,
  MusterError,
  sleep,
  type AgentHandlers,
  type DialMarket,
  type ErrorCode,
  type LinkCloseReason,
  type MarketPeer,
  type World,
} from '@muster/protocol'
import { backoffMs, type BackoffOptions } from './backoff.ts'

export interface KeepLinkedOptions {
  readonly dial: DialMarket
  /** A durable counter's next value, or `atLeast` where that is higher; never the same twice. */
  nextEpoch(atLeast: number): Promise<number>
  readonly handlers: AgentHandlers
  onLinked(peer: MarketPeer): void
  /** The link is gone, or could not be made; another try follows unless `keepLinked` ends. Running work runs on. */
  onUnlinked(reason: LinkCloseReason | MusterError): void
  readonly backoff?: BackoffOptions
}

export interface KeepLinkedModules {
  readonly world: World
  /** Closes the link and ends. */
  readonly signal: AbortSignal
}

const defaultBackoff: BackoffOptions = { minMs: 200, maxMs: 30_000 }
/** A link that lasted this long was a good one: the next back-off starts small again. */
const settledAfterMs = 30_000
const final: ReadonlySet<ErrorCode> = new Set(['link_superseded', 'signature_invalid', 'forbidden'])

const superseded = (): MusterError =>
  new MusterError({
    code: 'link_superseded',
    message: 'Another agent uses this key and linked later. Run one agent with each key; this one stops.',
  })

/** The epoch that this key was last linked with, where the market says that whoever did so is gone. */
const epochLeftBehind = ({ code, facts }: MusterError): number | undefined => {
  const { isGone, newest } = facts
  const isEpoch = typeof newest === 'number' && Number.isSafeInteger(newest) && newest >= 1 && newest < maxEpoch
  return code === 'link_superseded' && isGone === true && isEpoch ? newest : undefined
}

const asError = (error: unknown): MusterError =>
  error instanceof MusterError
    ? error
    : new MusterError({ code: 'internal', message: 'The link could not be made.', fault: 'provider', cause: error })

/** The peer, or nothing where `signal` aborts first; a peer that comes after that is closed. */
const unlessAborted = async (dialled: Promise<MarketPeer>, signal: AbortSignal): Promise<MarketPeer | undefined> => {
  const aborted = Promise.withResolvers<undefined>()
  const onAbort = () => aborted.resolve(undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const first = await Promise.race([dialled, aborted.promise])
    if (first === undefined) dialled.then((peer) => peer.close()).catch(() => {})
    return first
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Keeps an agent linked to one market until `signal` aborts, then resolves. Dials again after every loss with exponential
 * back-off and full jitter. Rejects where dialling again is no use: `link_superseded`, `signature_invalid`, `forbidden`.
 */
export const keepLinked = async (options: KeepLinkedOptions, { world, signal }: KeepLinkedModules): Promise<void> => {
  const backoff = options.backoff ?? defaultBackoff
  let failures = 0
  let atLeast = 1

  const waitAfter = (error: MusterError | undefined): number => {
    failures += 1
    if (error?.code === 'clock_skewed') return backoff.maxMs
    return Math.max(backoffMs(world, failures, backoff), error?.retryAfterMs ?? 0)
  }

  /** One link from dial to loss; the time to wait before the next. */
  const linkOnce = async (): Promise<number> => {
    let peer: MarketPeer | undefined
    try {
      peer = await unlessAborted(options.dial(await options.nextEpoch(atLeast), options.handlers), signal)
    } catch (caught) {
      const error = asError(caught)
      options.onUnlinked(error)
      const left = epochLeftBehind(error)
      if (left !== undefined && left >= atLeast) {
        atLeast = left + 1
        return waitAfter(error)
      }
      if (final.has(error.code)) throw error
      return waitAfter(error)
    }
    if (peer === undefined) return 0
    const close = () => peer.close()
    signal.addEventListener('abort', close, { once: true })
    const linkedAt = world.elapsed()
    options.onLinked(peer)
    const reason = await peer.closed
    signal.removeEventListener('abort', close)
    options.onUnlinked(reason)
    if (reason === 'superseded') throw superseded()
    if (world.elapsed() - linkedAt >= settledAfterMs) failures = 0
    return waitAfter(undefined)
  }

  while (!signal.aborted) {
    const waitMs = await linkOnce()
    await sleep(world, waitMs, signal).catch(() => {})
  }
}
