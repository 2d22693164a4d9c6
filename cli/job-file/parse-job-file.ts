import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { MusterError, type Issue } from '@muster/sdk'
import { LineCounter, parseDocument } from 'yaml'

/** The value in a job file: YAML, of which JSON is a part. Throws `spec_invalid` naming line and column of every mistake. */
export const parseJobFile = async (file: string): Promise<unknown> => {
  const text = await readFile(file, 'utf8')
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true })
  if (document.errors.length === 0) return document.toJS({ maxAliasCount: 100 })
  const issues = document.errors.map(({ pos: [at], message }): Issue => {
    const { line, col } = lineCounter.linePos(at)
    return { path: `line ${line}, column ${col}`, expected: 'YAML', found: message }
  })
  const [first] = issues
  throw new MusterError({
    code: 'spec_invalid',
    message: `${path.basename(file)} is not YAML: ${first?.path}: ${first?.found}.`,
    facts: { file, issues },
  })
}
