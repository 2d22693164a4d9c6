import { linkClosed, MusterError, type Address, type DialMarket, type Log, type World } from '@muster/protocol'
import type { Agent } from '../agent.ts'
import type { MarketFile, MarketTarget } from './market-file.ts'
import { targetMarkets } from './market-file.ts'
import type { MarketStatus } from './market-status.ts'

export interface FollowMarketsModules {
  readonly world: World
  readonly log: Log
  readonly agent: Pick<Agent, 'join' | 'leave' | 'status'>
  readonly identify: (target: MarketTarget, signal: AbortSignal) => Promise<Address>
  readonly dialer: (url: string, address: Address) => DialMarket
  /** The file as it is now. Rejects where it cannot be used. */
  readonly read: () => Promise<MarketFile>
  /** How each market stands, whenever it was looked at. */
  readonly onStatus: (markets: readonly FollowedMarket[]) => Promise<void>
}

/** A market as the agent stands with it; `status` is `null` as long as nobody knows its address. */
export interface FollowedMarket {
  /** With `+` between them where several URLs turned out to be of one market. */
  readonly url: string
  readonly address: Address | null
  readonly problem: MusterError | null
  readonly status: MarketStatus | null
}

interface Followed {
  readonly target: MarketTarget
  readonly abort: AbortController
  address: Address | null
  problem: MusterError | null
}

export interface MarketFollower {
  /** Looks at the file now and again every second. */
  start(): void
  /** Some market's address is still being asked for. */
  isExpecting(): boolean
  stop(): void
}

const everyMs = 1_000

const asMusterError = (error: unknown): MusterError =>
  error instanceof MusterError
    ? error
    : new MusterError({ code: 'internal', message: String(error), fault: 'provider', cause: error })

/**
 * Joins and leaves markets as the options and the file of markets say. Each market is found and linked by itself: one that is away,
 * slow or wrong holds up no other. Several URLs of one market are ways to it: it has one link, over whichever of them answers.
 */
export const followMarkets = (given: readonly MarketTarget[], modules: FollowMarketsModules): MarketFollower => {
  const { world, log, agent } = modules
  const followed = new Map<string, Followed>()
  let isStopped = false
  let problemBefore = ''

  const isPending = ({ address, problem }: Followed): boolean => address === null && problem === null

  const urlsOf = (address: Address): readonly string[] =>
    [...followed.values()].filter((own) => own.address === address).map(({ target }) => target.url)

  /** Over the URLs that are wanted now, `first` to begin with: the one that answered last, or the next where it does not. */
  const dialerOf = (address: Address, first: string): DialMarket => {
    const dialers = new Map<string, DialMarket>()
    let at = urlsOf(address).indexOf(first)
    return async (epoch, handlers) => {
      const urls = urlsOf(address)
      const url = urls[at % urls.length]
      if (url === undefined) throw linkClosed('lost')
      const dial = dialers.get(url) ?? modules.dialer(url, address)
      dialers.set(url, dial)
      try {
        return await dial(epoch, handlers)
      } catch (error) {
        at++
        throw error
      }
    }
  }

  /** Over other URLs, for what may be of those: another agent with this key would be met over every one. */
  const isGivenUp = (address: Address): boolean => {
    const problem = agent.status().markets.find(({ market }) => market === address)?.problem ?? null
    return problem !== null && problem.code !== 'link_superseded'
  }

  const join = (own: Followed, address: Address): void => {
    const others = urlsOf(address)
    const { url } = own.target
    own.address = address
    if (others.length > 0) {
      log.warn('two URLs are of one market: it has one link and one offer of each slot, over either', {
        url,
        others,
        market: address,
      })
      if (!isGivenUp(address)) return
    }
    try {
      agent.join(address, dialerOf(address, url))
    } catch (error) {
      // It is still being left: the next look tries again.
      log.info('this market is joined again later', { url, error })
      followed.delete(url)
    }
  }

  const fail = (own: Followed, error: unknown): void => {
    own.problem = asMusterError(error)
    log.error('this market is given up', { url: own.target.url, error })
  }

  const add = (target: MarketTarget): void => {
    const own: Followed = { target, abort: new AbortController(), address: null, problem: null }
    followed.set(target.url, own)
    modules
      .identify(target, own.abort.signal)
      .then((address) => {
        if (isStopped || followed.get(target.url) !== own) return
        join(own, address)
      })
      .catch((error: unknown) => {
        if (!isStopped && followed.get(target.url) === own) fail(own, error)
      })
  }

  const remove = (own: Followed, isForgotten: boolean): void => {
    const { url } = own.target
    followed.delete(url)
    own.abort.abort(new MusterError({ code: 'cancelled', message: 'This market is not wanted any more.' }))
    const { address } = own
    if (address === null) return
    const others = urlsOf(address)
    if (others.length > 0) {
      log.info('a URL is not used any more; its market has others', { url, others, market: address })
      return
    }
    log.info('leaving a market', { url, market: address, isForgotten })
    agent
      .leave(address, isForgotten)
      .then(() => log.info('has left a market', { url, market: address }))
      .catch((error: unknown) => {
        if (!isStopped) log.error('a market could not be left in order', { url, market: address, error })
      })
  }

  const follow = (file: MarketFile): void => {
    const targets = new Map(targetMarkets(given, file).map((target) => [target.url, target]))
    for (const own of [...followed.values()]) {
      if (targets.has(own.target.url)) continue
      remove(
        own,
        file.left.some(({ url, isForgotten }) => url === own.target.url && isForgotten),
      )
    }
    for (const target of targets.values()) if (!followed.has(target.url)) add(target)
  }

  const tell = async (): Promise<void> => {
    const statuses = new Map(agent.status().markets.map((status) => [status.market, status]))
    const known = new Map<string, FollowedMarket>()
    for (const { target, address, problem } of followed.values()) {
      const status = address === null ? null : (statuses.get(address) ?? null)
      const url = address === null ? target.url : urlsOf(address).join('+')
      known.set(address ?? target.url, { url, address, problem, status })
    }
    await modules.onStatus([...known.values()])
  }

  const look = async (): Promise<void> => {
    try {
      const file = await modules.read()
      problemBefore = ''
      if (!isStopped) follow(file)
      if (!isStopped) await tell()
    } catch (error) {
      const { message } = asMusterError(error)
      if (message !== problemBefore)
        log.error('the file of markets cannot be used; the markets before it stay', { error })
      problemBefore = message
    }
    if (!isStopped) world.after(everyMs, () => void look())
  }

  return {
    isExpecting: () => [...followed.values()].some(isPending),
    start: () => void look(),
    stop: () => {
      isStopped = true
      for (const { abort } of followed.values())
        abort.abort(new MusterError({ code: 'cancelled', message: 'The agent stops.' }))
    },
  }
}
