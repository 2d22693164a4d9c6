import { MusterError, sleep, type Address, type Log, type World } from '@muster/protocol'
import { askMarket } from './ask-market.ts'
import type { MarketTarget } from './market-file.ts'

export interface IdentifyModules {
  readonly world: World
  readonly log: Log
  readonly signal: AbortSignal
  readonly ask?: typeof askMarket
}

const askTimeoutMs = 5_000
const askAgainMs = 500
const askAgainAtMostMs = 15_000

const otherNetwork = (url: string, expected: number, found: number): MusterError =>
  new MusterError({
    code: 'request_invalid',
    message: `The market at ${url} is on another network; say --chain-id ${found} if that is meant.`,
    facts: { expected, found },
  })

/**
 * A market's address: the one it is held to, or what it says itself, asked for until it answers. Throws `request_invalid` where it is
 * on another network, `cancelled` once the signal aborts.
 */
export const identifyMarket = async (
  { url, address }: MarketTarget,
  { chainId, ca }: { readonly chainId: number; readonly ca: readonly string[] },
  { world, log, signal, ask = askMarket }: IdentifyModules,
): Promise<Address> => {
  if (address !== null) return address
  for (let waitMs = askAgainMs; ; waitMs = Math.min(askAgainAtMostMs, waitMs * 2)) {
    try {
      const found = await ask(url, ca, askTimeoutMs)
      if (found.chainId === chainId) return found.address
      throw otherNetwork(url, chainId, found.chainId)
    } catch (error) {
      if (error instanceof MusterError && error.code === 'request_invalid') throw error
      log.warn('waiting for the market', { url, error })
    }
    await sleep(world, waitMs, signal)
  }
}
