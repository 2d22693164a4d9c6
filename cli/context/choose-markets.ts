import { MusterError } from '@muster/sdk'
import type { Context, MarketContext } from './context.ts'
import { readContext } from './read-context.ts'

export interface MarketFlags {
  readonly market?: string | undefined
  readonly key?: string | undefined
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text)
const trimmed = (url: string): string => url.replace(/\/+$/, '')

const list = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

const refuse = (message: string, expected: string, found: string): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { expected, found } })

/** The markets of a context file, the one that counts where only one can in front. */
export const marketsOf = ({ others = [], ...first }: Context): MarketContext[] => [first, ...others]

const withKeys = (urls: readonly string[], keys: readonly string[]): MarketContext[] => {
  if (keys.length !== urls.length)
    throw refuse('Give one key for each market, in the same order.', `${urls.length} keys`, `${keys.length} keys`)
  return urls.map((url, index) => ({ url, apiKey: keys[index] ?? '' }))
}

/**
 * The markets and keys to use: flags, then MUSTER_URL and MUSTER_API_KEY (several with commas between them), then a context file.
 * A key goes only to the market it was given with: one out of a context file never to another URL, one out of a flag never to a
 * URL found in the working directory. Throws `request_invalid` where there is no market.
 */
export const chooseMarkets = async (
  flags: MarketFlags,
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): Promise<MarketContext[]> => {
  const urls = list(given(flags.market) ?? given(env['MUSTER_URL']))
  const keys = list(given(flags.key) ?? given(env['MUSTER_API_KEY']))
  if (urls.length > 0 && keys.length > 0) return withKeys(urls, keys)
  const found = await readContext(env, directory)
  const known = found === undefined ? [] : marketsOf(found.context)
  if (urls.length > 0) return urls.map((url) => known.find((each) => trimmed(each.url) === trimmed(url)) ?? { url })
  if (keys.length > 0) {
    throw refuse(
      'A key was given without the market it is for; add --market URL or MUSTER_URL.',
      '--market URL',
      'a key alone',
    )
  }
  if (known.length > 0) return known
  throw new MusterError({
    code: 'request_invalid',
    message: 'No market is named: start a network here with `muster up`, or give --market URL (or MUSTER_URL).',
    facts: { looked: 'flags, environment, .muster/context.json here and upwards, ~/.muster/context.json' },
  })
}
