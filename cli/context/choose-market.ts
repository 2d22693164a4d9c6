import { MusterError } from '@muster/sdk'
import type { Context } from './context.ts'
import { readContext } from './read-context.ts'

export interface MarketFlags {
  readonly market?: string | undefined
  readonly key?: string | undefined
}

const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text)
const trimmed = (url: string): string => url.replace(/\/+$/, '')

/**
 * The market and key to use: flags, then MUSTER_URL and MUSTER_API_KEY, then a context file. A key goes only to the market it was
 * given with: one out of a context file never to another URL, one out of a flag never to a URL found in the working directory.
 * Throws `request_invalid` where there is no market.
 */
export const chooseMarket = async (
  flags: MarketFlags,
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): Promise<Context> => {
  const url = given(flags.market) ?? given(env['MUSTER_URL'])
  const key = given(flags.key) ?? given(env['MUSTER_API_KEY'])
  if (url !== undefined && key !== undefined) return { url, apiKey: key }
  const found = await readContext(env, directory)
  if (url !== undefined)
    return found !== undefined && trimmed(found.context.url) === trimmed(url) ? found.context : { url }
  if (key !== undefined) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'A key was given without the market it is for; add --market URL or MUSTER_URL.',
      facts: { expected: '--market URL', found: 'a key alone' },
    })
  }
  if (found !== undefined) return found.context
  throw new MusterError({
    code: 'request_invalid',
    message: 'No market is named: start a network here with `muster up`, or give --market URL (or MUSTER_URL).',
    facts: { looked: 'flags, environment, .muster/context.json here and upwards, ~/.muster/context.json' },
  })
}
