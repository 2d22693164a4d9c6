import { MusterError, nodeUrls, systemWorld, type Address, type Signer, type World } from '@muster/protocol'
import type { RetryPolicy } from './retry-call.ts'

/** How to reach one market. Everything but `url` has a default. */
export interface MusterOptions {
  /** Base URL of the market's API: `http://127.0.0.1:4100`; of a market with several nodes theirs, with `+` between them. */
  readonly url: string
  /** A tenant's API key, or the operator's. Routes that anyone may call work without one. */
  readonly apiKey?: string | undefined
  /** The tenant's own key, where the tenant keeps it: orders are signed here. Without one the market signs for the tenant. */
  readonly signer?: Signer | undefined
  /** Refuse a market on another network. */
  readonly chainId?: number | undefined
  /** Refuse a market with another address. */
  readonly market?: Address | undefined
  /** How long one call may take, and how long a stream may be silent. Default 30,000. */
  readonly timeoutMs?: number | undefined
  readonly retry?: Partial<RetryPolicy> | undefined
  readonly world?: World | undefined
}

/** `MusterOptions` with every default filled in: what the calls see. */
export interface Connection {
  readonly url: string
  /** The node that is asked: the first until it does not answer, then the next. */
  readonly nodes: { readonly urls: readonly string[]; at: number }
  readonly apiKey: string | undefined
  readonly signer: Signer | undefined
  readonly chainId: number | undefined
  readonly market: Address | undefined
  readonly timeoutMs: number
  readonly retry: RetryPolicy
  readonly world: World
}

const defaultRetry: RetryPolicy = { attempts: 5, firstDelayMs: 100, maxDelayMs: 5_000 }

const parseNode = (text: string): string => {
  const url = URL.parse(text)
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href.replace(/\/+$/, '')
  throw new MusterError({
    code: 'request_invalid',
    message: 'The URL of a market starts with http:// or https://, such as http://127.0.0.1:4100.',
    facts: { expected: 'http(s)://host[:port]', found: text.slice(0, 200) },
  })
}

/** The URL to ask now. */
export const currentNode = ({ url, nodes: { urls, at } }: Connection): string => urls[at % urls.length] ?? url

/** Throws `request_invalid` where the URL is none. */
export const openConnection = (options: MusterOptions): Connection => ({
  url: nodeUrls(options.url).map(parseNode).join('+'),
  nodes: { urls: nodeUrls(options.url).map(parseNode), at: 0 },
  apiKey: options.apiKey,
  signer: options.signer,
  chainId: options.chainId,
  market: options.market,
  timeoutMs: options.timeoutMs ?? 30_000,
  retry: {
    attempts: options.retry?.attempts ?? defaultRetry.attempts,
    firstDelayMs: options.retry?.firstDelayMs ?? defaultRetry.firstDelayMs,
    maxDelayMs: options.retry?.maxDelayMs ?? defaultRetry.maxDelayMs,
  },
  world: options.world ?? systemWorld,
})
