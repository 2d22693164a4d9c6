import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { contextFile, type Context } from './context.ts'

/** Writes a context into a folder (made where it is missing), readable by its owner only. Gives the file's path. */
export const writeContext = async (directory: string, context: Context): Promise<string> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const file = path.join(directory, contextFile)
  const fresh = `${file}.${process.pid}.new`
  await writeFile(fresh, `${JSON.stringify(context, undefined, 2)}\n`, { mode: 0o600 })
  await rename(fresh, file)
  return file
}
