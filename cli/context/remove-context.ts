import { rm } from 'node:fs/promises'
import path from 'node:path'
import { MusterError } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { contextOf } from './add-context.ts'
import { marketsOf } from './choose-markets.ts'
import { readContext } from './read-context.ts'
import { writeContext } from './write-context.ts'

const bare = (url: string): string => url.replace(/\/+$/, '')

/** `muster context remove` */
export const removeContext = async (session: Session, url: string): Promise<number> => {
  const found = await readContext(session.env, session.directory)
  const before = found === undefined ? [] : marketsOf(found.context)
  const left = before.filter((each) => bare(each.url) !== bare(url))
  if (found === undefined || left.length === before.length) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'No context file here names this market.',
      facts: { expected: before.map((each) => each.url), found: url },
    })
  }
  const context = contextOf(left)
  if (context === undefined) await rm(found.file)
  else await writeContext(path.dirname(found.file), context)
  session.print({ file: found.file, url: bare(url), markets: left.length }, () => {
    const rest = left.length === 0 ? 'No market is left.' : `${left[0]?.url} comes first now.`
    return `${session.style.green('✓')} ${bare(url)} is forgotten, with its key. ${rest} Jobs there run on.\n`
  })
  return exitCodes.ok
}
