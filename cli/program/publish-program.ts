import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { prepareProgram } from '@muster/sdk'
import type { Session } from '../command/session.ts'
import { exitCodes } from '../exit/exit-codes.ts'
import { renderProgram } from './show-program.ts'

/** `muster program publish`: checks an ONNX file and stores it as a program; --dry-run only checks, and needs no market. */
export const publishProgram = async (
  session: Session,
  file: string,
  options: { readonly dryRun?: boolean },
): Promise<number> => {
  const model = new Uint8Array(await readFile(path.resolve(session.directory, file)))
  const { id, manifest, manifestBytes, modelBytes, changes } = prepareProgram(model)
  if (options.dryRun !== true) {
    const muster = await session.connect()
    const bar = session.progress.bar('upload', 2)
    await muster.putBlobs([modelBytes, manifestBytes], {
      signal: session.signal,
      onProgress: ({ settled, blobs }) => bar.update({ done: settled, total: blobs }),
    })
    bar.succeed()
    session.progress.stop()
  }
  session.print({ id, manifest, changes, isPublished: options.dryRun !== true }, () => {
    const { style } = session
    const done = options.dryRun === true ? 'This model can be a program; nothing was sent.' : 'Published.'
    const changed = changes.map((change) => style.yellow(`  ${change}\n`)).join('')
    return `${style.green('✓')} ${done}\n${changed}\n${renderProgram(id, manifest, style)}`
  })
  return exitCodes.ok
}
