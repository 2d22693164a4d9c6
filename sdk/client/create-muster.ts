import { createMarkets, type Markets, type MarketsOptions } from '../market/create-markets.ts'
import { openConnection, type MusterOptions } from './connection.ts'
import { createClient, type Muster } from './create-client.ts'

/**
 * A client of one market; or, given `markets`, of several, where each job goes to the market that serves it best.
 * Throws `request_invalid` where a URL is none, or a market is named twice.
 */
export function createMuster(options: MusterOptions): Muster
export function createMuster(options: MarketsOptions): Markets
export function createMuster(options: MusterOptions | MarketsOptions): Muster | Markets {
  return 'markets' in options ? createMarkets(options) : createClient(openConnection(options))
}
