import {
  fromProblem,
  MusterError,
  type Address,
  type Cid,
  type Log,
  type Problem,
  type Timer,
  type World,
} from '@muster/protocol'
import type { Markets } from '../market/markets.ts'
import type { BlobCache } from './blob-cache.ts'
import { missingBlob } from './refuse-blob.ts'

/** The blobs asked of markets and not here yet. */
export interface Wants {
  /**
   * The blob from the cache, else from the market, asked for once however many wait. Rejects with the problem the market
   * gives, `timeout` where nothing comes in `blobTimeoutMs` of being linked, `disk_full`, or `cancelled`.
   */
  fetch(market: Address, cid: Cid, signal: AbortSignal): Promise<Uint8Array>
  /** Stores a blob a market sends that was asked of it. Rejects `cancelled` before reading any other, else where the cache refuses it. */
  receive(market: Address, cid: Cid, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** The market has no such blob. */
  missing(market: Address, cid: Cid, problem: Problem): void
  /** Asks this market again for all it was asked for. */
  repeat(market: Address): void
  stop(): void
}

interface Want {
  readonly market: Address
  readonly cid: Cid
  readonly waiters: Set<{ readonly resolve: () => void; readonly reject: (error: MusterError) => void }>
  /** How many transfers of it are under way; time is not counted meanwhile. */
  arriving: number
  timer: Timer | null
}

export interface WantsModules {
  readonly world: World
  readonly blobs: BlobCache
  readonly markets: Markets
  readonly log: Log
}

const cancelled = (): MusterError => new MusterError({ code: 'cancelled', message: 'The blob is not wanted any more.' })

const unwanted = (cid: Cid): MusterError =>
  new MusterError({
    code: 'cancelled',
    message: 'This machine does not want this blob, or not any more.',
    facts: { cid },
  })

export const createWants = (
  { blobTimeoutMs }: { readonly blobTimeoutMs: number },
  { world, blobs, markets, log }: WantsModules,
): Wants => {
  const wants = new Map<string, Want>()
  const keyOf = (market: Address, cid: Cid): string => `${market} ${cid}`

  const settle = (want: Want, error: MusterError | null): void => {
    want.timer?.cancel()
    wants.delete(keyOf(want.market, want.cid))
    for (const { resolve, reject } of want.waiters) {
      if (error === null) resolve()
      else reject(error)
    }
  }

  const onLate = (want: Want): void => {
    if (!markets.isLinked(want.market)) return watch(want)
    const message = `The market did not send a blob of this attempt within ${blobTimeoutMs} ms.`
    settle(want, new MusterError({ code: 'timeout', message, facts: { cid: want.cid, blobTimeoutMs } }))
  }

  const watch = (want: Want): void => {
    want.timer?.cancel()
    want.timer = want.arriving > 0 ? null : world.after(blobTimeoutMs, () => onLate(want))
  }

  const ask = (want: Want): void => {
    markets.send(want.market, { type: 'want', cid: want.cid })
    watch(want)
  }

  const wantOf = (market: Address, cid: Cid): Want => {
    const known = wants.get(keyOf(market, cid))
    if (known !== undefined) return known
    const want: Want = { market, cid, waiters: new Set(), arriving: 0, timer: null }
    wants.set(keyOf(market, cid), want)
    ask(want)
    return want
  }

  const arrival = (market: Address, cid: Cid, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(cancelled())
      const want = wantOf(market, cid)
      const leave = (): void => signal.removeEventListener('abort', onAbort)
      const waiter = {
        resolve: () => {
          leave()
          resolve()
        },
        reject: (error: MusterError) => {
          leave()
          reject(error)
        },
      }
      const onAbort = (): void => {
        want.waiters.delete(waiter)
        waiter.reject(cancelled())
        if (want.waiters.size === 0) settle(want, null)
      }
      want.waiters.add(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })

  const changeArriving = (want: Want, change: number): void => {
    want.arriving += change
    if (wants.get(keyOf(want.market, want.cid)) === want) watch(want)
  }

  return {
    fetch: async (market, cid, signal) => {
      const held = await blobs.read(cid)
      if (held !== undefined) return held
      await arrival(market, cid, signal)
      const bytes = await blobs.read(cid)
      if (bytes === undefined) throw missingBlob(cid)
      return bytes
    },
    receive: async (market, cid, bytes) => {
      const want = wants.get(keyOf(market, cid))
      if (want === undefined) throw unwanted(cid)
      changeArriving(want, 1)
      try {
        await blobs.put(cid, bytes)
        for (const other of [...wants.values()]) if (other.cid === cid) settle(other, null)
      } catch (error) {
        const isOurs = error instanceof MusterError && (error.code === 'disk_full' || error.code === 'blob_too_large')
        if (isOurs) settle(want, error)
        else log.warn('a blob did not arrive whole', { market, cid, error })
        throw error
      } finally {
        changeArriving(want, -1)
      }
    },
    missing: (market, cid, problem) => {
      const want = wants.get(keyOf(market, cid))
      if (want !== undefined) settle(want, fromProblem(problem))
    },
    repeat: (market) => {
      for (const want of wants.values()) if (want.market === market) ask(want)
    },
    stop: () => {
      for (const want of [...wants.values()]) settle(want, cancelled())
    },
  }
}
