import { homedir } from 'node:os'
import path from 'node:path'
import { createMuster, MusterError } from '@muster/sdk'
import type { GlobalFlags, Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { marketsOf } from './choose-markets.ts'
import { contextFile, type Context, type MarketContext } from './context.ts'
import { readContext } from './read-context.ts'
import { writeContext } from './write-context.ts'

/** The folder that a context file is in, or would be. */
const folderOf = ({ env }: Session, file: string | undefined): string => {
  if (file !== undefined) return path.dirname(file)
  const home = env['MUSTER_HOME']
  return home !== undefined && home !== '' ? home : path.join(homedir(), '.muster')
}

/** A context of these markets, the first in front. */
export const contextOf = ([first, ...others]: readonly MarketContext[]): Context | undefined =>
  first === undefined ? undefined : { ...first, ...(others.length === 0 ? {} : { others }) }

/** The market as it says that it is, and whose the key is. Throws where it cannot be reached, or refuses the key. */
const askMarket = async (url: string, apiKey: string | undefined, session: Session): Promise<MarketContext> => {
  const muster = createMuster({ url, apiKey, retry: { attempts: 2 } })
  const { address, chainId } = await muster.market({ signal: session.signal })
  const known: MarketContext = { url: muster.url, market: address, chainId }
  if (apiKey === undefined) return known
  const account = await muster.account({ signal: session.signal })
  return { ...known, apiKey, ...(account.address === null ? {} : { tenant: account.address }) }
}

/** `muster context add`: the market's address is kept with it, so that nobody can stand in for it later. */
export const addContext = async (
  session: Session,
  url: string,
  flags: GlobalFlags,
  options: { readonly first?: boolean },
): Promise<number> => {
  if (flags.market !== undefined)
    throw new MusterError({ code: 'request_invalid', message: 'Name the market once, without --market.' })
  const found = await readContext(session.env, session.directory)
  const added = await askMarket(url, flags.key === '' ? undefined : flags.key, session)
  const before = found === undefined ? [] : marketsOf(found.context)
  const known = before.find((each) => each.url === added.url)
  const market = { ...known, ...added }
  const rest = before.filter((each) => each !== known)
  const isInPlace = options.first !== true && known !== undefined
  const all = isInPlace
    ? before.map((each) => (each === known ? market : each))
    : options.first === true
      ? [market, ...rest]
      : [...rest, market]
  const context = contextOf(all)
  if (context === undefined) return exitCodes.usage
  const file = await writeContext(folderOf(session, found?.file), context)
  session.print({ file: path.resolve(file), url: market.url, market: market.market, markets: all.length }, () => {
    const { style } = session
    const keyless = market.apiKey === undefined ? ' without a key: give it again with --key to submit there' : ''
    return `${style.green('✓')} ${market.url} (${market.market}) is in ${path.join(path.dirname(file), contextFile)}${keyless}; jobs may go to ${all.length === 1 ? 'it' : `any of ${all.length} markets`}.\n`
  })
  return exitCodes.ok
}
