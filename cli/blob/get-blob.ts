import path from 'node:path'
import process from 'node:process'
import { MusterError, parseCid } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { saveBlob } from '../job/fetch-outputs.ts'

export interface GetOptions {
  readonly output?: string
}

/** `muster blob get`: to a file, or in one piece to standard output once all of it has been checked. */
export const getBlob = async (session: Session, text: string, { output }: GetOptions): Promise<number> => {
  const cid = parseCid(text)
  const muster = await session.connect()
  if (output !== undefined) {
    const file = path.resolve(session.directory, output)
    await saveBlob(muster, cid, file, session.signal)
    session.print({ cid, file }, () => `${session.style.green('✓')} ${output}\n`)
    return exitCodes.ok
  }
  if (session.isJson || session.terminal.stdout.isTty) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'A blob is bytes and not text: name a file with --output, or send standard output to one.',
      facts: { expected: '--output FILE', found: session.isJson ? '--json' : 'a terminal' },
    })
  }
  const bytes = await muster.getBlob(cid, { signal: session.signal })
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error === undefined || error === null ? resolve() : reject(error)))
  })
  return exitCodes.ok
}
