import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { explainIssues, MusterError, sayIssues } from '@muster/sdk'
import { contextFile, contextSchema, type Context } from './context.ts'

export interface FoundContext {
  readonly file: string
  readonly context: Context
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')

const refuse = (file: string, message: string, facts: object = {}): MusterError =>
  new MusterError({ code: 'request_invalid', message, facts: { file, ...facts } })

/** A context file, or undefined where there is none. One that others may read or that somebody else owns is refused: it holds keys. */
const readOne = async (file: string): Promise<FoundContext | undefined> => {
  let text: string
  try {
    const { mode, uid } = await stat(file)
    const isMine = process.getuid === undefined || uid === process.getuid()
    if (!isMine) throw refuse(file, 'This context file belongs to another user; it is not followed.', { owner: uid })
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw refuse(file, `Others may read this context file, which holds keys; run: chmod 600 ${file}`, {
        expected: '600',
        found: (mode & 0o777).toString(8),
      })
    }
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new MusterError({
      code: 'request_invalid',
      message: 'This context file is not JSON.',
      facts: { file },
      cause,
    })
  }
  const parsed = contextSchema.safeParse(value)
  if (parsed.success) return { file, context: parsed.data }
  const issues = explainIssues(parsed.error, value, contextSchema)
  throw refuse(file, sayIssues('This context file', issues), { issues })
}

const parents = function* (directory: string): Generator<string> {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    yield at
    if (at === path.dirname(at)) return
  }
}

/**
 * The context to use: `$MUSTER_HOME/context.json` where MUSTER_HOME is set; else the nearest `.muster/context.json` from the
 * working directory upwards; else `~/.muster/context.json`.
 */
export const readContext = async (
  env: Readonly<Record<string, string | undefined>>,
  directory: string,
): Promise<FoundContext | undefined> => {
  const home = env['MUSTER_HOME']
  if (home !== undefined && home !== '') return readOne(path.join(home, contextFile))
  for (const at of [...parents(directory), homedir()]) {
    const found = await readOne(path.join(at, '.muster', contextFile))
    if (found !== undefined) return found
  }
  return undefined
}
