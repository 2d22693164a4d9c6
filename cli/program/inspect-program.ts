import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isCid, prepareProgram } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { renderProgram } from './show-program.ts'

/** `muster program inspect`: what a published program, or the program an ONNX file would become, takes and gives. */
export const inspectProgram = async (session: Session, given: string): Promise<number> => {
  const { id, manifest } = isCid(given)
    ? { id: given, manifest: await (await session.connect()).getProgram(given, { signal: session.signal }) }
    : prepareProgram(new Uint8Array(await readFile(path.resolve(session.directory, given))))
  session.print({ id, manifest }, () => renderProgram(id, manifest, session.style))
  return exitCodes.ok
}
